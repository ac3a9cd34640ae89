import { randomUUID } from 'node:crypto';
import {
  EMPTY,
  NO_REVISION,
  sizeOf,
  TOMBSTONE_REVISION,
  type ExpectedRevision,
  type ProposedEvent,
  type StoredEvent,
} from './event.js';
import { type WrittenEvent } from './decide-append.js';
import { isMetastream, metastreamOf, ownerOf, streamState, type StreamState } from './stream-state.js';
import { revivedMetadata, SOFT_DELETE_METADATA } from './stream-metadata.js';

/** What a client asks the writer to do. */
export interface WriteRequest {
  readonly operation: 'append' | 'delete' | 'tombstone';
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** Empty for delete and tombstone. */
  readonly events: readonly ProposedEvent[];
  /** Not decided before this time (ms since 1970) means not written. */
  readonly deadline: number;
}

/** The stream's last revision after the write; no position when nothing was written. */
export interface WriteAnswer {
  readonly revision: bigint;
  readonly position?: bigint;
}

/** Where the log goes on. */
export interface LogEnd {
  /** The first position that is free. */
  readonly nextPosition: bigint;
  /** When its last event was written, in ticks: none is older than one before it, also when the clock is set back. */
  readonly created: bigint;
}

/** Events weigh at least this much, so positions of different events never meet. */
export const POSITION_STEP = 64;

/**
 * The events that will be committed together. It numbers them and keeps the states the streams will have, so that
 * later requests of the same group are decided on top of earlier ones; nothing outside changes before the commit.
 */
export class Group {
  readonly events: StoredEvent[] = [];
  readonly states = new Map<string, StreamState>();
  readonly written = new Map<string, WrittenEvent>();
  readonly #created: bigint;
  readonly #createdText: string;
  #nextPosition: bigint;

  constructor(end: LogEnd) {
    const now = BigInt(Date.now()) * 10_000n;
    this.#created = now > end.created ? now : end.created;
    this.#createdText = String(this.#created);
    this.#nextPosition = end.nextPosition;
  }

  /** Where the log goes on after this group. Positions are byte-like, not consecutive, as in the real log. */
  get end(): LogEnd {
    return { nextPosition: this.#nextPosition, created: this.#created };
  }

  /** Writes what a request asks for, at the stream's current `revision`; undefined if a delete finds no stream. */
  write(request: WriteRequest, revision: bigint, state: StreamState): WriteAnswer | undefined {
    if (request.operation === 'append') return this.#append(request, revision, state);
    if (request.operation === 'tombstone') return this.#tombstone(request.stream, state);
    if (revision === NO_REVISION && state.metaRevision === NO_REVISION) return undefined;
    return { revision, position: this.#addMetadata(request.stream, state, SOFT_DELETE_METADATA) };
  }

  /** To a soft-deleted stream, or to its metadata, it brings the stream back, without its old events. */
  #append({ stream, events }: WriteRequest, revision: bigint, state: StreamState): WriteAnswer {
    let last = revision;
    let position: bigint | undefined;
    for (const event of events) position = this.#add(stream, ++last, event);
    if (position === undefined) return { revision };
    const isMeta = isMetastream(stream);
    const { data } = events.at(-1) as ProposedEvent;
    const newState = isMeta ? streamState(state.revision, last, data) : { ...state, revision: last };
    this.states.set(ownerOf(stream), newState);
    const { softDeletedJson } = state.metadata;
    if (softDeletedJson !== undefined) {
      const revived = revivedMetadata(isMeta ? data.toString() : softDeletedJson, state.revision + 1n);
      if (revived) this.#addMetadata(ownerOf(stream), newState, revived);
    }
    return { revision: last, position };
  }

  #tombstone(stream: string, state: StreamState): WriteAnswer {
    const event = { id: randomUUID(), type: '$streamDeleted', isJson: false, data: EMPTY, metadata: EMPTY };
    const position = this.#add(stream, TOMBSTONE_REVISION, event);
    this.states.set(stream, { ...state, revision: TOMBSTONE_REVISION });
    return { revision: TOMBSTONE_REVISION, position };
  }

  #addMetadata(stream: string, state: StreamState, data: Buffer): bigint {
    const revision = state.metaRevision + 1n;
    const event = { id: randomUUID(), type: '$metadata', isJson: true, data, metadata: EMPTY };
    this.states.set(stream, streamState(state.revision, revision, data));
    return this.#add(metastreamOf(stream), revision, event);
  }

  #add(stream: string, revision: bigint, event: ProposedEvent): bigint {
    const position = this.#nextPosition;
    const { id, type, isJson, data, metadata } = event;
    this.#nextPosition += BigInt(POSITION_STEP + sizeOf(event));
    this.written.set(id, { stream, revision, position });
    this.events.push({ position, stream, revision, id, type, isJson, created: this.#createdText, data, metadata });
    return position;
  }
}
