import { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { type AppendReq, type BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import { sizeOf, type ExpectedRevision, type ProposedEvent } from '../log/event.js';
import { AccessDenied, AppendTooLarge, InvalidArgument } from '../log/refusals.js';
import { isMetastream } from '../log/stream-state.js';
import { REQUIRED_METADATA, RequiredMetadataMissing } from './errors.js';

type ProposedMessage = AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage;

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Longer names do not fit into an index entry. */
const MAX_STREAM_NAME_BYTES = 1_024;

/** The name as it was asked for, good or not: the texts of errors repeat it. */
export const nameAsAsked = (identifier: StreamIdentifier | undefined): string =>
  identifier ? asBuffer(identifier.getStreamName_asU8()).toString() : '';

/** A name with NUL would fail the query that looks it up, and with it all others that wait for the same query. */
export function streamName(identifier: StreamIdentifier | undefined): string {
  if (!identifier) throw new InvalidArgument('a stream identifier is needed');
  const name = nameAsAsked(identifier);
  if (name.includes('\0')) throw new InvalidArgument('a stream name cannot hold NUL');
  return name;
}

/** A stream that may be written: `$all` is not one, and metadata has no metadata. */
export function writableStreamName(identifier: StreamIdentifier | undefined): string {
  const stream = streamName(identifier);
  if (stream === '$all') throw new AccessDenied();
  const isStorable = stream.length > 0 && Buffer.byteLength(stream) <= MAX_STREAM_NAME_BYTES;
  if (!isStorable || stream.startsWith('$$$$')) throw new InvalidArgument('this stream name cannot be written');
  return stream;
}

/** A stream that may be deleted: metadata has no life of its own, the writer keeps it with the state of its stream. */
export function deletableStreamName(identifier: StreamIdentifier | undefined): string {
  const stream = writableStreamName(identifier);
  if (isMetastream(stream)) throw new AccessDenied();
  return stream;
}

const WRITE_TIMEOUT_MS = 2_000;

/** The server decides a write by then or not at all, whatever deadline the client names. */
export const writeDeadline = (): number => Date.now() + WRITE_TIMEOUT_MS;

/** The parts of options that say at which revision a stream is expected. */
interface ExpectedRevisionOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists?(): boolean;
}

export function expectedRevision(options: ExpectedRevisionOptions, revision: string): ExpectedRevision {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists?.()) return 'stream_exists';
  return BigInt(revision);
}

/** Checks all that a column could refuse: one bad event must not spoil the group it would be written with. */
export function proposedEvent(message: ProposedMessage): ProposedEvent {
  const fields = message.getMetadataMap();
  const missing = REQUIRED_METADATA.find((property) => !fields.has(property));
  if (missing !== undefined) throw new RequiredMetadataMissing(missing);
  const type = fields.get('type') as string;
  if (type.includes('\0')) throw new InvalidArgument('an event type cannot hold NUL');
  return {
    id: uuidText(message.getId()),
    type,
    isJson: fields.get('content-type') === 'application/json',
    data: asBuffer(message.getData_asU8()),
    metadata: asBuffer(message.getCustomMetadata_asU8()),
  };
}

/** The id in lower case, as it is stored and compared. */
export function uuidText(uuid: UUID | undefined): string {
  const text = uuid?.hasStructured() ? structuredText(uuid) : (uuid?.getString().toLowerCase() ?? '');
  if (!UUID_TEXT.test(text)) throw new InvalidArgument('an event id must be a UUID');
  return text;
}

function structuredText(uuid: UUID): string {
  const bits = uuid.getStructured();
  const hex = [bits?.getMostSignificantBits(), bits?.getLeastSignificantBits()]
    .map((half) =>
      BigInt.asUintN(64, BigInt(half ?? 0))
        .toString(16)
        .padStart(16, '0'),
    )
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** EventStoreDB's default. The real server counts a little less than this sum, so what fits here fits there. */
export const MAX_APPEND_BYTES = 1024 * 1024;

/** The events of one append as they arrive; refuses more than it may carry. */
export class AppendBody {
  readonly events: ProposedEvent[] = [];
  #bytes = 0;

  add(message: ProposedMessage): void {
    const event = proposedEvent(message);
    this.#bytes += sizeOf(event);
    if (this.#bytes > MAX_APPEND_BYTES) throw new AppendTooLarge(MAX_APPEND_BYTES);
    this.events.push(event);
  }
}
