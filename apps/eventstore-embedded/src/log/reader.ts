import { type Query, type Statement } from './database.js';
import { TOMBSTONE_REVISION, type StoredEvent } from './event.js';
import { type LogTail } from './log-tail.js';
import { InvalidArgument, StreamDeleted } from './refusals.js';
import {
  ALL_BACKWARDS,
  ALL_FORWARDS,
  eventFromRow,
  STREAM_BACKWARDS,
  STREAM_EVENT,
  STREAM_FORWARDS,
  type EventRow,
} from './sql.js';
import { viewOf, type StreamView } from './stream-state.js';
import { type StreamStates } from './stream-states.js';

export type Pages = AsyncGenerator<StoredEvent[]>;

/** Most reads of a stream want a handful of events; long ones are worth larger pages, but an event may weigh 1 MiB. */
const FIRST_PAGE = 64;
const PAGE = 256;

/** As the real server words it, which finds no record there. */
const NO_EVENT_BEGINS = 'Trying to read from an invalid position.';

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Reads committed events in pages; an empty page is never yielded. */
export class Reader {
  readonly #query: Query;
  readonly #states: StreamStates;
  readonly #tail: LogTail;

  constructor(query: Query, states: StreamStates, tail: LogTail) {
    this.#query = query;
    this.#states = states;
    this.#tail = tail;
  }

  /** Position of the last committed event. */
  get head(): bigint {
    return this.#tail.head;
  }

  /** The stream as readers see it; throws StreamDeleted if it is tombstoned. */
  async view(stream: string): Promise<StreamView> {
    const view = viewOf(stream, await this.#states.of(stream));
    if (view.revision === TOMBSTONE_REVISION) throw new StreamDeleted();
    return view;
  }

  /** Events of the stream from revision `from` on, both inclusive, up to its end at the time of the call. */
  async *streamForwards(stream: string, from: bigint, count = Infinity): Pages {
    const view = await this.view(stream);
    let next = larger(from, view.firstReadable);
    for (let size = FIRST_PAGE; count > 0 && next <= view.revision; size = PAGE) {
      const limit = Math.min(size, count);
      const page = await this.#select('stream-forwards', STREAM_FORWARDS, [stream, next, limit, oldestTick(view)]);
      if (page.length > 0) yield page;
      if (page.length < limit) return;
      count -= page.length;
      next = (page.at(-1) as StoredEvent).revision + 1n;
    }
  }

  /** Events of the stream from revision `from` downwards. */
  async *streamBackwards(stream: string, from: bigint, count = Infinity): Pages {
    const view = await this.view(stream);
    let next = smaller(from, view.revision);
    for (let size = FIRST_PAGE; count > 0 && next >= view.firstReadable; size = PAGE) {
      const limit = Math.min(size, count);
      const values = [stream, next, limit, oldestTick(view), view.firstReadable];
      const page = await this.#select('stream-backwards', STREAM_BACKWARDS, values);
      if (page.length > 0) yield page;
      if (page.length < limit) return;
      count -= page.length;
      next = (page.at(-1) as StoredEvent).revision - 1n;
    }
  }

  /** The event a link names; undefined if it can no longer be read. */
  async streamEvent(stream: string, revision: bigint): Promise<StoredEvent | undefined> {
    const view = viewOf(stream, await this.#states.of(stream));
    if (view.revision === TOMBSTONE_REVISION || revision < view.firstReadable) return undefined;
    return (await this.#select('stream-event', STREAM_EVENT, [stream, revision, oldestTick(view)]))[0];
  }

  /** All events from the one at a position on, up to the head at the time of the call. */
  async *allForwards(from: bigint): Pages {
    const head = this.head;
    let after = from - 1n;
    for (let size = FIRST_PAGE; after < head; size = PAGE) {
      const page = await this.#select('all-forwards', ALL_FORWARDS, [after, head, size]);
      if (after < from && from > 0n && page[0]?.position !== from) throw new InvalidArgument(NO_EVENT_BEGINS);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      after = (page.at(-1) as StoredEvent).position;
    }
  }

  /** All events before a position, downwards from the head at the time of the call. */
  async *allBackwards(before: bigint): Pages {
    const head = this.head;
    before = smaller(before, head + 1n);
    for (let size = FIRST_PAGE; ; size = PAGE) {
      const page = await this.#select('all-backwards', ALL_BACKWARDS, [before, size]);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      before = (page.at(-1) as StoredEvent).position;
    }
  }

  /** One page of the log after a position that is behind the head: from memory if it is recent. */
  async pageAfter(position: bigint): Promise<StoredEvent[]> {
    if (this.#tail.covers(position)) return this.#tail.after(position, PAGE);
    const page = await this.#select('all-forwards', ALL_FORWARDS, [position, this.head, PAGE]);
    if (page.length === 0) throw new Error(`the log ends before its head ${this.head}`);
    return page;
  }

  async #select(name: string, text: string, values: readonly unknown[]): Promise<StoredEvent[]> {
    const statement: Statement = { name, text };
    return (await this.#query<EventRow>(statement, values)).map(eventFromRow);
  }
}

/** The creation time in ticks from which on `$maxAge` lets events be seen. */
function oldestTick({ maxAgeSeconds }: StreamView): bigint {
  return maxAgeSeconds === undefined ? 0n : BigInt(Date.now() - maxAgeSeconds * 1000) * 10_000n;
}
