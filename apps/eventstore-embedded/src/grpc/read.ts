import { type handleServerStreamingCall } from '@grpc/grpc-js';
import { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { EVERYTHING, filterFrom, type Filter } from '../filters.js';
import { TOMBSTONE_REVISION } from '../log/event.js';
import { type EventLog } from '../log/event-log.js';
import { type Pages, type Reader } from '../log/reader.js';
import { serviceError } from './errors.js';
import { type OpenCalls } from './open-calls.js';
import { ReadOutput, type ReadStream } from './read-output.js';
import { nameAsAsked, streamName } from './requests.js';
import { AllSubscription } from './all-subscription.js';
import { StreamSubscription } from './stream-subscription.js';

type Options = ReadReq.Options;

/** The one call behind every read and every catch-up subscription. */
export function readHandler(
  log: EventLog,
  calls: OpenCalls,
  dropSlowConsumers: boolean,
): handleServerStreamingCall<ReadReq, ReadResp | Buffer> {
  return (call) => {
    calls.track(call);
    const options = call.request.getOptions() ?? new ReadReq.Options();
    const output = new ReadOutput(call, log.reader, options.getResolveLinks());
    serve(options, output, log, dropSlowConsumers).then(
      () => output.end.hasCome || call.end(),
      (error: unknown) => fail(call, output, options, error),
    );
  };
}

function fail(call: ReadStream, output: ReadOutput, options: Options, error: unknown): void {
  if (output.end.hasCome) return;
  const stream = options.getStream()?.getStreamIdentifier();
  call.emit('error', serviceError(error, { operation: 'Read', stream: stream ? nameAsAsked(stream) : '$all' }));
}

async function serve(options: Options, output: ReadOutput, log: EventLog, dropSlowConsumers: boolean): Promise<void> {
  if (options.hasSubscription()) {
    const request = { log, options, output, dropSlowConsumers };
    return options.hasAll() ? new AllSubscription(request).run() : new StreamSubscription(request).run();
  }
  if (options.hasAll()) return readAll(options, output, log.reader);
  return readStream(options, output, log.reader);
}

async function readAll(options: Options, output: ReadOutput, reader: Reader): Promise<void> {
  const filter = options.getFilter();
  const pages = pagesOfAll(options, reader);
  await sendPages(pages, output, {
    count: Number(options.getCount()),
    allow: filter ? filterFrom(filter) : EVERYTHING,
  });
}

async function readStream(options: Options, output: ReadOutput, reader: Reader): Promise<void> {
  const stream = streamName(options.getStream()?.getStreamIdentifier());
  const { revision, softDeleted } = await reader.view(stream);
  if (revision < 0n || softDeleted) {
    const identifier = options.getStream()?.getStreamIdentifier();
    await output.send(new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier)));
    return;
  }
  const count = Number(options.getCount());
  await sendPages(pagesOfStream(options, stream, reader, count), output, { count, allow: EVERYTHING });
}

function pagesOfAll(options: Options, reader: Reader): Pages {
  const all = options.getAll();
  const from = BigInt(all?.getPosition()?.getCommitPosition() ?? 0);
  const afterEnd = reader.head + 1n;
  if (isBackwards(options)) return reader.allBackwards(all?.hasEnd() ? afterEnd : from);
  return reader.allForwards(all?.hasEnd() ? afterEnd : from);
}

function pagesOfStream(options: Options, stream: string, reader: Reader, count: number): Pages {
  const start = options.getStream();
  const from = start?.hasRevision() ? BigInt(start.getRevision()) : 0n;
  if (isBackwards(options)) return reader.streamBackwards(stream, start?.hasEnd() ? TOMBSTONE_REVISION : from, count);
  return reader.streamForwards(stream, start?.hasEnd() ? TOMBSTONE_REVISION : from, count);
}

const isBackwards = (options: Options): boolean =>
  options.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS;

interface Selection {
  readonly count: number;
  readonly allow: Filter;
}

async function sendPages(pages: Pages, output: ReadOutput, { count, allow }: Selection): Promise<void> {
  if (count <= 0) return;
  let left = count;
  for await (const page of pages) {
    for (const event of page) {
      if (output.end.hasCome) return;
      if (!allow(event)) continue;
      const drained = output.event(event);
      if (drained) await drained;
      if (--left === 0) return;
    }
  }
}
