import { type CallEnd } from './call-end.js';
import { sizeOf, type StoredEvent } from './event.js';

/** How much of the log's end stays in memory, give or take a quarter. */
export interface TailLimits {
  readonly events: number;
  readonly bytes: number;
}

/** Cutting down to the limits only when well over them costs each event few moves. */
const SLACK = 1.25;

/** An event is there twice once it was sent: as it came and as it left, which `sizeOf` does not know. */
const weightOf = (event: StoredEvent): number => 2 * sizeOf(event);

const ALL = Symbol('$all');
type Topic = string | typeof ALL;

/**
 * The committed end of the log: its head, its most recent events, and who waits for more. Positions up to `head` are
 * committed and complete; readers never look past it.
 */
export class LogTail {
  #events: StoredEvent[] = [];
  #bytes = 0;
  #head: bigint;
  /** Every committed event after this position is in `#events`. */
  #coveredAfter: bigint;
  readonly #limits: TailLimits;
  readonly #waiters = new Map<Topic, Set<() => void>>();

  constructor(head: bigint, limits: TailLimits) {
    this.#head = head;
    this.#coveredAfter = head;
    this.#limits = limits;
  }

  /** Position of the last committed event. */
  get head(): bigint {
    return this.#head;
  }

  /** Takes a committed group and wakes everyone who waits for one of its streams or for any event. */
  push(group: readonly StoredEvent[]): void {
    const topics = new Set<Topic>([ALL]);
    for (const event of group) {
      this.#events.push(event);
      this.#bytes += weightOf(event);
      this.#head = event.position;
      topics.add(event.stream);
    }
    const { events, bytes } = this.#limits;
    if (this.#events.length > SLACK * events || this.#bytes > SLACK * bytes) this.#trim();
    for (const topic of topics) this.#waiters.get(topic)?.forEach((wake) => wake());
  }

  covers(position: bigint): boolean {
    return position >= this.#coveredAfter;
  }

  /** Up to `limit` events after a covered position. */
  after(position: bigint, limit: number): StoredEvent[] {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as StoredEvent).position > position) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low, low + limit);
  }

  /** Resolves at the next commit to the stream (to any stream without one), or when the call ends. */
  change(end: CallEnd, stream?: string): Promise<void> {
    const topic = stream ?? ALL;
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(topic) ?? new Set();
      this.#waiters.set(topic, waiters);
      const wake = () => {
        waiters.delete(wake);
        if (waiters.size === 0 && this.#waiters.get(topic) === waiters) this.#waiters.delete(topic);
        end.remove(wake);
        resolve();
      };
      waiters.add(wake);
      end.add(wake);
    });
  }

  #trim(): void {
    let cut = Math.max(0, this.#events.length - this.#limits.events);
    for (let i = 0; i < cut; i++) this.#bytes -= weightOf(this.#events[i] as StoredEvent);
    while (this.#bytes > this.#limits.bytes) this.#bytes -= weightOf(this.#events[cut++] as StoredEvent);
    this.#coveredAfter = (this.#events[cut - 1] as StoredEvent).position;
    this.#events = this.#events.slice(cut);
  }
}
