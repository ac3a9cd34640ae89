/** Revision of the last event of a stream that was never written. */
export const NO_REVISION = -1n;

/** A tombstone stands at the largest revision there is, as in EventStoreDB: the stream can never grow past it. */
export const TOMBSTONE_REVISION = 2n ** 63n - 1n;

/** What the writer of an append believes about the stream. */
export type ExpectedRevision = bigint | 'any' | 'no_stream' | 'stream_exists';

/** An event as a client proposes it. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

/** An event with its place in the log. */
export interface StoredEvent extends ProposedEvent {
  readonly position: bigint;
  readonly stream: string;
  readonly revision: bigint;
  /** 100-nanosecond ticks since 1970, as text: it only ever travels. */
  readonly created: string;
  /** The encoded read response, kept by `readResponse` so that all subscribers share one encoding. */
  wire?: Buffer;
}

/** Bytes an event weighs in limits and caps. */
export function sizeOf(event: ProposedEvent): number {
  return event.data.length + event.metadata.length + event.type.length;
}

export const EMPTY = Buffer.alloc(0);
