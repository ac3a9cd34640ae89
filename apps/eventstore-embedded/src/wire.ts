import { type StoredEvent } from './log/event.js';

/**
 * The hot message, ReadResp { event }, encoded by hand straight from the stored event, once for all its readers.
 * Everything else goes through the client package's own generated classes.
 *
 * Each tag byte is `field number << 3 | wire type`: 0 for a varint, 2 for bytes with a length.
 */
const READ_RESP = { event: 0x0a } as const;
const READ_EVENT = { event: 0x0a, link: 0x12, commitPosition: 0x18 } as const;
const RECORDED_EVENT = {
  id: 0x0a,
  streamIdentifier: 0x12,
  streamRevision: 0x18,
  preparePosition: 0x20,
  commitPosition: 0x28,
  metadata: 0x32,
  customMetadata: 0x3a,
  data: 0x42,
} as const;
const UUID = { string: 0x12 } as const;
const STREAM_IDENTIFIER = { streamName: 0x1a } as const;
const MAP_ENTRY = { key: 0x0a, value: 0x12 } as const;

const UUID_LENGTH = 36;

/** The response that carries an event; the same bytes for every reader. */
export function readResponse(event: StoredEvent): Buffer {
  return (event.wire ??= encodeReadResponse(event.position, recordedEvent(event)));
}

/** The response that carries a link and the event it names, if that can still be read. */
export function linkResponse(link: StoredEvent, target: StoredEvent | undefined): Buffer {
  return encodeReadResponse(link.position, target && recordedEvent(target), recordedEvent(link));
}

function encodeReadResponse(position: bigint, event?: Buffer, link?: Buffer): Buffer {
  const length =
    (event ? fieldLength(event.length) : 0) + (link ? fieldLength(link.length) : 0) + 1 + varintLength(position);
  const out = new Output(fieldLength(length));
  out.open(READ_RESP.event, length);
  if (event) out.bytes(READ_EVENT.event, event);
  if (link) out.bytes(READ_EVENT.link, link);
  out.varint(READ_EVENT.commitPosition, position);
  return out.buffer;
}

function recordedEvent(event: StoredEvent): Buffer {
  const streamLength = Buffer.byteLength(event.stream);
  const entries = metadataEntries(event);
  const numbers = 3 + varintLength(event.revision) + 2 * varintLength(event.position);
  const length =
    fieldLength(fieldLength(UUID_LENGTH)) +
    fieldLength(fieldLength(streamLength)) +
    numbers +
    entries.reduce((sum, entry) => sum + fieldLength(entry.length), 0) +
    fieldLength(event.metadata.length) +
    fieldLength(event.data.length);
  const out = new Output(length);
  out.open(RECORDED_EVENT.id, fieldLength(UUID_LENGTH));
  out.text(UUID.string, event.id, UUID_LENGTH);
  out.open(RECORDED_EVENT.streamIdentifier, fieldLength(streamLength));
  out.text(STREAM_IDENTIFIER.streamName, event.stream, streamLength);
  out.varint(RECORDED_EVENT.streamRevision, event.revision);
  out.varint(RECORDED_EVENT.preparePosition, event.position);
  out.varint(RECORDED_EVENT.commitPosition, event.position);
  for (const entry of entries) out.entry(RECORDED_EVENT.metadata, entry);
  out.bytes(RECORDED_EVENT.customMetadata, event.metadata);
  out.bytes(RECORDED_EVENT.data, event.data);
  return out.buffer;
}

interface MapEntry {
  readonly key: string;
  readonly value: string;
  readonly valueLength: number;
  readonly length: number;
}

function metadataEntries({ type, created, isJson }: StoredEvent): MapEntry[] {
  return [
    mapEntry('type', type),
    mapEntry('created', created),
    mapEntry('content-type', isJson ? 'application/json' : 'application/octet-stream'),
  ];
}

function mapEntry(key: string, value: string): MapEntry {
  const valueLength = Buffer.byteLength(value);
  return { key, value, valueLength, length: fieldLength(key.length) + fieldLength(valueLength) };
}

/** Bytes of a field with a length: one tag byte, the length, the content. */
const fieldLength = (length: number): number => 1 + varintLength(length) + length;

function varintLength(value: bigint | number): number {
  if (value > Number.MAX_SAFE_INTEGER) return Math.ceil(value.toString(2).length / 7);
  let length = 1;
  for (let rest = Number(value); rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes fields into a buffer of exactly the right size. */
class Output {
  readonly buffer: Buffer;
  #at = 0;

  constructor(length: number) {
    this.buffer = Buffer.allocUnsafe(length);
  }

  varint(tag: number, value: bigint): void {
    this.buffer[this.#at++] = tag;
    if (value <= Number.MAX_SAFE_INTEGER) return this.#number(Number(value));
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.buffer[this.#at++] = Number(rest & 127n) | 128;
    this.buffer[this.#at++] = Number(rest);
  }

  open(tag: number, length: number): void {
    this.buffer[this.#at++] = tag;
    this.#number(length);
  }

  text(tag: number, text: string, length: number): void {
    this.open(tag, length);
    this.#at += this.buffer.write(text, this.#at, length);
  }

  bytes(tag: number, bytes: Buffer): void {
    this.open(tag, bytes.length);
    this.#at += bytes.copy(this.buffer, this.#at);
  }

  entry(tag: number, { key, value, valueLength, length }: MapEntry): void {
    this.open(tag, length);
    this.text(MAP_ENTRY.key, key, key.length);
    this.text(MAP_ENTRY.value, value, valueLength);
  }

  #number(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.#at++] = (rest % 128) | 128;
    this.buffer[this.#at++] = rest;
  }
}
