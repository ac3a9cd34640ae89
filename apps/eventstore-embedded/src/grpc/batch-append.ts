import { type handleBidiStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb.js';
import { AllStreamPosition } from '@eventstore/db-client/generated/shared_pb.js';
import { type BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type ExpectedRevision } from '../log/event.js';
import { type WriteAnswer } from '../log/group.js';
import { type Writer } from '../log/writer.js';
import { batchStatus } from './batch-status.js';
import { serviceError } from './errors.js';
import { type OpenCalls } from './open-calls.js';
import { AppendBody, expectedRevision, uuidText, writableStreamName, writeDeadline } from './requests.js';

type Call = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

/** One append under way: it may arrive in several messages. */
interface Batch {
  readonly options: BatchAppendReq.Options;
  readonly body: AppendBody;
  readonly deadline: number;
}

/** The call over which a client sends all its appends; each gets exactly one reply, under its correlation id. */
export function batchAppendHandler(
  writer: Writer,
  calls: OpenCalls,
): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  return (call) => {
    const unfinished = new Map<string, Batch>();
    calls.track(call);
    const fail = (error: unknown) => call.emit('error', serviceError(error, { operation: 'Append' }));
    call.on('data', (request: BatchAppendReq) => void receive(request, unfinished, writer, call).catch(fail));
    call.on('end', () => call.end());
    call.on('error', () => unfinished.clear());
  };
}

async function receive(
  request: BatchAppendReq,
  unfinished: Map<string, Batch>,
  writer: Writer,
  call: Call,
): Promise<void> {
  const id = uuidText(request.getCorrelationId());
  const options = request.getOptions();
  const batch = options ? newBatch(options) : unfinished.get(id);
  // What follows a message that was already answered with an error has no reply of its own.
  if (!batch) return;
  unfinished.delete(id);
  let response: BatchAppendResp | undefined;
  try {
    for (const message of request.getProposedMessagesList()) batch.body.add(message);
    if (!request.getIsFinal()) unfinished.set(id, batch);
    else response = new BatchAppendResp().setSuccess(success(await append(writer, batch)));
  } catch (error) {
    response = new BatchAppendResp().setError(batchStatus(error, expectedBy(batch.options)));
  }
  if (!response || call.cancelled || !call.writable) return;
  call.write(
    response.setCorrelationId(request.getCorrelationId()).setStreamIdentifier(batch.options.getStreamIdentifier()),
  );
}

function newBatch(options: BatchAppendReq.Options): Batch {
  const asked = options.getDeadline()?.toDate().getTime() ?? Infinity;
  return { options, body: new AppendBody(), deadline: Math.min(asked, writeDeadline()) };
}

const expectedBy = (options: BatchAppendReq.Options): ExpectedRevision =>
  expectedRevision(options, options.getStreamPosition());

async function append(writer: Writer, { options, body, deadline }: Batch): Promise<WriteAnswer> {
  const stream = writableStreamName(options.getStreamIdentifier());
  return writer.submit({ operation: 'append', stream, expected: expectedBy(options), events: body.events, deadline });
}

function success({ revision, position }: WriteAnswer): BatchAppendResp.Success {
  const message = new BatchAppendResp.Success();
  if (revision < 0n) message.setNoStream(new Empty());
  else message.setCurrentRevision(String(revision));
  if (position === undefined) return message.setNoPosition(new Empty());
  const text = String(position);
  return message.setPosition(new AllStreamPosition().setCommitPosition(text).setPreparePosition(text));
}
