import {
  BACKWARDS,
  END,
  type EventStoreDBClient,
  type ReadAllOptions,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { setTimeout as wait } from 'node:timers/promises';
import { settleWithin } from '#contracts/time-limit.js';
import { onCaughtUp } from './caught-up.js';
import { openBatch } from './personal-text.js';
import { type Recorded, toRecorded } from './recorded.js';

const BATCH = 500;
/** Between two batches: under load, few large ones cost much less than many small ones. */
const PACE_MS = 25;
/** Of events that are not ours we hear each time so many have passed. */
const CHECKPOINT_EVERY = 1_024;
/** The unit in which the store counts them. */
const CHECKPOINT_UNIT = 32;
const HIGH_WATER = 2_000;
const WATCH_EVERY_MS = 5_000;
const ASK_EVERY_MS = 1_000;
/** Between two pieces of news the store passes over no more than this: it may count anew once, when the subscription has caught up. */
const PASSED_OVER = 2 * CHECKPOINT_EVERY;
const GOODBYE_MS = 1_000;

export interface StorePosition {
  commit: bigint;
  prepare: bigint;
}

/** Events in the store's order, or the news that nothing for us stands up to `position`. */
export interface Batch {
  events: Recorded[];
  position: StorePosition;
}

export interface Follower {
  client: EventStoreDBClient;
  /** Names of streams we care for: `kind-`. */
  prefixes: string[];
  /** Where we stand; null is the very beginning. Asked again before each subscription. */
  load(): Promise<StorePosition | null>;
  /** Must be safe to repeat: a batch may come again after a failure. */
  apply(batch: Batch): Promise<void>;
  /** Is what we applied still there? Asked regularly: a database that crashed may have lost the last of it, and no event says so. */
  isKept?(): Promise<boolean>;
  onFailure(error: unknown): void;
  /** Everything the store has for us has been applied. */
  onCaughtUp(): void;
  /** The same, after each batch with which it is so once more. */
  onHead?(): void;
  signal: AbortSignal;
}

/**
 * Hands every event of the streams to `apply`, in order, for as long as the signal allows. The client never
 * subscribes again by itself, so any end, error or silence (a watchdog compares us with the head) starts a new
 * subscription from the checkpoint, with back-off.
 */
export async function follow(follower: Follower): Promise<void> {
  let pause = 100;
  while (!follower.signal.aborted) {
    try {
      await subscribeOnce(follower, () => (pause = 100));
    } catch (error) {
      if (follower.signal.aborted) return;
      follower.onFailure(error);
    }
    await wait(pause, undefined, { signal: follower.signal }).catch(() => undefined);
    pause = Math.min(pause * 2, 2_000);
  }
}

async function subscribeOnce(follower: Follower, onProgress: () => void): Promise<void> {
  const { client, prefixes, signal } = follower;
  const position = await follower.load();
  signal.throwIfAborted();
  const inbox = new Inbox(position);
  const subscription = client.subscribeToAll(
    {
      fromPosition: position ?? START,
      filter: streamNameFilter({
        prefixes,
        checkpointInterval: CHECKPOINT_EVERY / CHECKPOINT_UNIT,
        // Of events that still wait in the client's stream it would say that we had them.
        checkpointReached: (subscribed, at) =>
          subscribed.readableLength > 0 ? undefined : inbox.push({ position: at }),
      }),
    },
    { highWaterMark: 256 },
  );
  subscription.on('error', (error: unknown) => inbox.fail(error));
  subscription.on('close', () => inbox.fail(new Error('the subscription was closed')));
  subscription.on('end', () => inbox.fail(new Error('the subscription ended')));
  subscription.on('data', (resolved) => {
    const recorded = toRecorded(resolved);
    if (recorded) inbox.push({ recorded, position: { commit: recorded.commit, prepare: recorded.prepare } });
    if (inbox.size > HIGH_WATER) subscription.pause();
  });
  const isLive = onCaughtUp(subscription, () => inbox.push({ position: null }));
  const stop = () => inbox.fail(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const watchdog = watch(follower, inbox);
  const asking = askIfKept(follower, inbox);
  try {
    for (let endedAt = -PACE_MS; ; endedAt = performance.now()) {
      await inbox.filled();
      const early = endedAt + PACE_MS - performance.now();
      if (early > 0 && inbox.size < BATCH) await wait(early, undefined, { signal });
      const items = inbox.take(BATCH);
      const isAll = inbox.size === 0 && isLive();
      if (subscription.isPaused() && inbox.size < HIGH_WATER / 2) subscription.resume();
      const last = items.findLast((item) => item.position !== null)?.position;
      if (last) {
        const recorded = items.flatMap((item) => item.recorded ?? []);
        await follower.apply({ events: await openBatch(client, recorded), position: last });
      }
      if (items.some((item) => item.position === null)) follower.onCaughtUp();
      if (isAll) follower.onHead?.();
      onProgress();
    }
  } finally {
    clearInterval(watchdog);
    clearInterval(asking);
    signal.removeEventListener('abort', stop);
    // One that has died already may never say that it is closed.
    const goodbye = subscription.unsubscribe().catch(() => undefined);
    await settleWithin(goodbye, GOODBYE_MS);
  }
}

function askIfKept(follower: Follower, inbox: Inbox) {
  return setInterval(() => {
    void follower
      .isKept?.()
      .then((kept) => kept || inbox.fail(new Error('what was applied last is gone')))
      .catch(() => undefined); // The database itself is away: asked again.
  }, ASK_EVERY_MS);
}

/** What a look of the watchdog found. */
interface Look {
  /** How far the subscription had told. */
  newest: StorePosition | null;
  head: bigint;
  /** The store was searched up to here, and nothing in it was for us. */
  searched: StorePosition | null;
  passedBy: number;
}

/**
 * A subscription that died in silence looks idle. The store says whether it should be: what stood there at the last look
 * has had the time to come. Who still has work in the inbox is not waiting for more. No event is searched twice.
 */
function watch({ client, prefixes }: Follower, inbox: Inbox) {
  let last: Look | undefined;
  const look = async () => {
    const { newest } = inbox;
    const now = { newest, head: await headOf(client, WATCH_EVERY_MS), searched: newest, passedBy: 0 };
    const before = last?.newest === newest ? last : undefined;
    last = before ? { ...before, head: now.head } : now;
    if (!before || before.head <= commitOf(before.searched) || inbox.size > 0) return;
    const found = await search(client, { prefixes, after: before.searched, upTo: before.head });
    if (inbox.newest !== newest) return;
    last.searched = found.last;
    last.passedBy += found.others;
    if (found.ours > 0 || last.passedBy > PASSED_OVER) inbox.fail(new Error('the subscription has fallen silent'));
  };
  // The store itself may be away: the subscription will say so.
  return setInterval(() => void look().catch(() => undefined), WATCH_EVERY_MS);
}

/** Where the newest of all events stands; throws when the store does not say so in time. */
export async function headOf(client: EventStoreDBClient, deadline: number): Promise<bigint> {
  const newest = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, deadline });
  let head = -1n;
  for await (const { event } of newest) head = event?.position?.commit ?? head;
  return head;
}

interface Stretch {
  prefixes: string[];
  after: StorePosition | null;
  upTo: bigint;
}

/** Would a subscription have told of this stretch? Of an event for us, or that so many others have passed. */
async function search(client: EventStoreDBClient, { prefixes, after, upTo }: Stretch) {
  const options: ReadAllOptions = { fromPosition: after ?? START, maxCount: PASSED_OVER + 2, deadline: WATCH_EVERY_MS };
  const found = { ours: 0, others: 0, last: after };
  for await (const resolved of client.readAll(options)) {
    const { position, streamId = '' } = resolved.event ?? {};
    // A forward read includes where it begins.
    if (!position || position.commit <= commitOf(after) || position.commit > upTo) continue;
    found.last = position;
    const isOurs = prefixes.some((prefix) => streamId.startsWith(prefix)) && toRecorded(resolved);
    found[isOurs ? 'ours' : 'others']++;
  }
  return found;
}

/** Before the first event when there is no position. */
export const commitOf = (position: StorePosition | null): bigint => position?.commit ?? -1n;

interface Item {
  recorded?: Recorded;
  /** Null is the news that we have caught up. */
  position: StorePosition | null;
}

/** What arrived and is not applied yet. */
class Inbox {
  private items: Item[] = [];
  private failure: unknown;
  private wake: () => void = () => undefined;

  constructor(
    /** How far we have heard. */
    public newest: StorePosition | null,
  ) {}

  get size() {
    return this.items.length;
  }

  push(item: Item): void {
    this.items.push(item);
    this.newest = item.position ?? this.newest;
    this.wake();
  }

  fail(error: unknown): void {
    this.failure ??= error ?? new Error('stopped');
    this.wake();
  }

  /** Resolves when there is something to take; throws what ended the subscription. */
  async filled(): Promise<void> {
    while (this.items.length === 0 && this.failure === undefined) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    if (this.failure !== undefined) throw this.failure as Error;
  }

  take(max: number): Item[] {
    return this.items.splice(0, max);
  }
}
