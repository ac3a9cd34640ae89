import { type handleClientStreamingCall, type ServerReadableStream } from '@grpc/grpc-js';
import { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import { type AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type ExpectedRevision } from '../log/event.js';
import { type WriteAnswer } from '../log/group.js';
import { InvalidArgument, WrongExpectedVersion } from '../log/refusals.js';
import { type Writer } from '../log/writer.js';
import { serviceError } from './errors.js';
import { AppendBody, expectedRevision, nameAsAsked, writableStreamName, writeDeadline } from './requests.js';

type Call = ServerReadableStream<AppendReq, AppendResp>;

/** The unary append, which the client uses for calls with credentials: options first, then one message per event. */
export function appendHandler(writer: Writer): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    receive(call).then(
      ({ options, body }) => append(writer, options, body).then((response) => callback(null, response), callback),
      (error: unknown) => callback(serviceError(error, { operation: 'Append' })),
    );
  };
}

interface Received {
  readonly options: AppendReq.Options;
  readonly body: AppendBody;
}

async function receive(call: Call): Promise<Received> {
  const body = new AppendBody();
  let options: AppendReq.Options | undefined;
  for await (const request of call as AsyncIterable<AppendReq>) {
    options ??= request.getOptions();
    const message = request.getProposedMessage();
    if (message) body.add(message);
  }
  if (!options) throw new InvalidArgument('an append begins with its options');
  return { options, body };
}

async function append(writer: Writer, options: AppendReq.Options, { events }: AppendBody): Promise<AppendResp> {
  const stream = nameAsAsked(options.getStreamIdentifier());
  const expected = expectedRevision(options, options.getRevision());
  try {
    writableStreamName(options.getStreamIdentifier());
    const answer = await writer.submit({ operation: 'append', stream, expected, events, deadline: writeDeadline() });
    return new AppendResp().setSuccess(success(answer));
  } catch (error) {
    if (!(error instanceof WrongExpectedVersion)) throw serviceError(error, { operation: 'Append', stream, expected });
    return new AppendResp().setWrongExpectedVersion(wrongExpectedVersion(error.current, expected));
  }
}

function success({ revision, position }: WriteAnswer): AppendResp.Success {
  const message = new AppendResp.Success();
  if (revision < 0n) message.setNoStream(new Empty());
  else message.setCurrentRevision(String(revision));
  if (position === undefined) return message.setNoPosition(new Empty());
  const text = String(position);
  return message.setPosition(new AppendResp.Position().setCommitPosition(text).setPreparePosition(text));
}

function wrongExpectedVersion(current: bigint, expected: ExpectedRevision): AppendResp.WrongExpectedVersion {
  const message = new AppendResp.WrongExpectedVersion();
  if (current < 0n) message.setCurrentNoStream(new Empty());
  else message.setCurrentRevision(String(current));
  if (expected === 'any') return message.setExpectedAny(new Empty());
  if (expected === 'no_stream') return message.setExpectedNoStream(new Empty());
  if (expected === 'stream_exists') return message.setExpectedStreamExists(new Empty());
  return message.setExpectedRevision(String(expected));
}
