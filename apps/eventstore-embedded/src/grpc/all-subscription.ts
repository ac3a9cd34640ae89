import { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { checkpointInterval, EVERYTHING, filterFrom, type Filter } from '../filters.js';
import { type StoredEvent } from '../log/event.js';
import { SubscriptionProgress, type SubscriptionRequest } from './subscription.js';

/**
 * A subscription is a cursor that follows the head of the log. There is no hand-over from catching up to live: pages
 * come from memory or from the table, always in order and complete up to the head, so no event can fall between.
 */
export class AllSubscription {
  readonly #request: SubscriptionRequest;
  readonly #progress: SubscriptionProgress;
  readonly #allow: Filter;
  readonly #checkpointInterval: number;
  #cursor: bigint;
  #sinceCheckpoint = 0;

  constructor(request: SubscriptionRequest) {
    const filter = request.options.getFilter();
    this.#request = request;
    this.#progress = new SubscriptionProgress(request);
    this.#allow = filter ? filterFrom(filter) : EVERYTHING;
    this.#checkpointInterval = filter ? checkpointInterval(filter) : Infinity;
    this.#cursor = startOf(request.options, request.log.tail.head);
  }

  /** Ends when the client does. */
  async run(): Promise<void> {
    const { tail } = this.#request.log;
    const { end } = this.#request.output;
    await this.#progress.confirm();
    while (!end.hasCome) {
      if (this.#cursor < tail.head) await this.#sendPage();
      else if (!this.#progress.isLive) await this.#goLive();
      // Nothing was awaited since the comparison above, so no commit can slip through before the wait.
      else await tail.change(end);
    }
  }

  async #sendPage(): Promise<void> {
    const { log, output } = this.#request;
    if (this.#progress.isLive && !log.tail.covers(this.#cursor)) await this.#progress.fellBehind();
    for (const event of await log.reader.pageAfter(this.#cursor)) {
      if (output.end.hasCome) return;
      this.#cursor = event.position;
      if (this.#allow(event)) await this.#send(event);
      if (++this.#sinceCheckpoint >= this.#checkpointInterval) await this.#checkpoint();
    }
  }

  #send(event: StoredEvent): Promise<void> | undefined {
    return this.#request.output.event(event);
  }

  async #goLive(): Promise<void> {
    if (this.#checkpointInterval !== Infinity && this.#sinceCheckpoint > 0) await this.#checkpoint();
    await this.#progress.caughtUp();
  }

  async #checkpoint(): Promise<void> {
    this.#sinceCheckpoint = 0;
    await this.#progress.checkpoint(this.#cursor);
  }
}

/** The position the subscription starts after: exclusive, unlike a read. */
function startOf(options: ReadReq.Options, head: bigint): bigint {
  const all = options.getAll();
  if (all?.hasEnd()) return head;
  return all?.hasPosition() ? BigInt(all.getPosition()?.getCommitPosition() ?? 0) : BEFORE_ALL;
}

const BEFORE_ALL = -1n;
