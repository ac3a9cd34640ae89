import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { follow, type Follower } from './follow.js';

/** Between two looks of the watchdog. */
const LOOK_MS = 5_000;

/** Positions are places in a file, as in a real store. */
const at = (index: number) => ({ commit: BigInt(index) * 100n, prepare: BigInt(index) * 100n });
const eventIn = (streamId: string, index: number) => ({
  event: { id: `${index}`, streamId, type: 'Happened', isJson: true, data: {}, metadata: {}, position: at(index) },
});

/** A store whose subscriptions say only what the test lets them say. */
class FakeStore {
  readonly events: ReturnType<typeof eventIn>[] = [];
  /** How many of them were read in search of one that was kept back. */
  searched = 0;
  readonly subscriptions: Subscribed[] = [];

  append(streamId: string, count = 1): void {
    for (let n = 0; n < count; n++) this.events.push(eventIn(streamId, this.events.length));
  }

  *readAll({ direction, fromPosition, maxCount }: ReadAll) {
    const from = typeof fromPosition === 'object' ? fromPosition.commit : 0n;
    const ahead = this.events.filter(({ event }) => event.position.commit >= from);
    const read = (direction === 'backwards' ? ahead.reverse() : ahead).slice(0, maxCount);
    if (direction !== 'backwards') this.searched += read.length;
    yield* read;
  }

  subscribeToAll({ filter }: { filter: { checkpointReached: (_: unknown, position: object) => void } }) {
    const subscription = Object.assign(new EventEmitter(), {
      isPaused: () => false,
      readableLength: 0,
      unsubscribe: () => Promise.resolve(),
      say: (index: number) => void subscription.emit('data', this.events[index]),
      tell: (index: number) => filter.checkpointReached(subscription, at(index)),
    });
    this.subscriptions.push(subscription);
    return subscription;
  }
}

type Subscribed = EventEmitter & { readableLength: number; say(index: number): void; tell(index: number): void };

interface ReadAll {
  direction?: string;
  fromPosition: { commit: bigint } | string;
  maxCount: number;
}

let store: FakeStore;
let stopping: AbortController;
let failures: string[];
let apply: Follower['apply'];
let caughtUp: Follower['onCaughtUp'];
let onHead: () => void;
let load: Follower['load'];
let following: Promise<void>;

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
  [store, stopping, failures, apply] = [new FakeStore(), new AbortController(), [], () => Promise.resolve()];
  caughtUp = onHead = () => undefined;
  load = () => Promise.resolve(null);
  following = follow({
    client: store as unknown as EventStoreDBClient,
    prefixes: ['rare-'],
    load: () => load(),
    apply: (batch) => apply(batch),
    onFailure: (error) => failures.push((error as Error).message),
    onCaughtUp: () => caughtUp(),
    onHead: () => onHead(),
    signal: stopping.signal,
  });
  await jest.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  stopping.abort();
  jest.useRealTimers();
});

const looks = (count: number) => jest.advanceTimersByTimeAsync(count * LOOK_MS);
const silent = ['the subscription has fallen silent'];

describe('a subscription that has fallen silent', () => {
  it('is noticed when others have filled the store since the event it kept back', async () => {
    store.append('rare-1');
    store.append('busy-1', 100);
    await looks(3);
    expect(failures).toEqual(silent);
  });

  it('is noticed when it does not even tell that others pass by', async () => {
    store.append('busy-1', 5_000);
    await looks(3);
    expect(failures).toEqual(silent);
  });
});

describe('a subscription is not taken for silent', () => {
  it('while so few others pass by that the store does not tell of them, however far apart they stand', async () => {
    for (let n = 0; n < 10; n++) {
      store.append('busy-1', 200);
      await looks(1);
    }
    expect(failures).toEqual([]);
  });

  it('and what has passed by is searched once, not at each look', async () => {
    store.append('busy-1', 200);
    await looks(10);
    store.append('busy-1', 200);
    await looks(10);
    expect(failures).toEqual([]);
    expect(store.searched).toBe(401); // The second search begins with the last event of the first.
  });

  it('while it tells of others now and then', async () => {
    for (let n = 0; n < 10; n++) {
      store.append('busy-1', 1_024);
      store.subscriptions[0]!.tell(store.events.length - 1);
      await looks(1);
    }
    expect(failures).toEqual([]);
  });

  it('for an event that came after the last look', async () => {
    await looks(1);
    store.append('rare-1');
    await looks(1);
    store.subscriptions[0]!.say(0);
    await looks(3);
    expect(failures).toEqual([]);
  });

  it('while what it said is being applied, however long that takes', async () => {
    let done!: () => void;
    apply = () => new Promise((resolve) => (done = resolve));
    store.append('rare-1', 2);
    for (const index of [0, 1]) store.subscriptions[0]!.say(index);
    await looks(5);
    done();
    await looks(1);
    expect(failures).toEqual([]);
  });
});

it('news of how far others have come does not overtake an event that the client still holds', async () => {
  const applied: bigint[] = [];
  apply = ({ position }) => Promise.resolve(void applied.push(position.commit));
  store.append('rare-1', 2);
  const [subscription] = store.subscriptions;
  subscription!.readableLength = 1;
  subscription!.tell(1);
  await jest.advanceTimersByTimeAsync(100);
  subscription!.readableLength = 0;
  subscription!.say(0);
  await jest.advanceTimersByTimeAsync(100);
  expect(applied).toEqual([0n]);
});

it('has caught up only when what the client held before that was applied', async () => {
  const seen: (bigint | 'caught up')[] = [];
  apply = ({ position }) => Promise.resolve(void seen.push(position.commit));
  caughtUp = () => seen.push('caught up');
  const untilSeen = async (count: number) => {
    for (; seen.length < count; await new Promise(setImmediate)) await jest.advanceTimersByTimeAsync(10);
    await jest.advanceTimersByTimeAsync(100);
  };
  store.append('rare-1', 2);
  const [subscription] = store.subscriptions;
  subscription!.readableLength = 2;
  subscription!.emit('caughtUp');
  subscription!.say(0);
  await untilSeen(1);
  expect(seen).toEqual([0n]);
  subscription!.say(1);
  await untilSeen(3);
  expect(seen).toEqual([0n, 100n, 'caught up']);
  subscription!.readableLength = 0;
  subscription!.emit('caughtUp');
  await untilSeen(4);
  expect(seen.at(-1)).toBe('caught up');
});

it('stands at the head after a batch only where it has caught up and nothing more waits', async () => {
  const seen: (bigint | 'at the head')[] = [];
  apply = ({ position }) => Promise.resolve(void seen.push(position.commit));
  onHead = () => seen.push('at the head');
  const [subscription] = store.subscriptions;
  const says = async (index: number) => {
    subscription!.say(index);
    for (; !seen.includes(BigInt(index) * 100n); await new Promise(setImmediate))
      await jest.advanceTimersByTimeAsync(10);
    await jest.advanceTimersByTimeAsync(100);
    return seen.splice(0);
  };
  store.append('rare-1', 600);
  expect(await says(0)).toEqual([0n]);
  subscription!.emit('caughtUp');
  expect((await says(1)).at(-1)).toBe('at the head');
  expect(await says(2)).toEqual([200n, 'at the head']);
  for (let index = 3; index < 599; index++) subscription!.say(index);
  const [first, ...rest] = await says(599);
  expect([typeof first, ...rest]).toEqual(['bigint', 59_900n, 'at the head']);
  subscription!.emit('fellBehind');
  expect(await says(599)).toEqual([59_900n]);
});

it('ends when it is stopped while it still asks where it stands', async () => {
  let loaded: ((position: null) => void) | undefined;
  load = () => new Promise((resolve) => (loaded = resolve));
  store.subscriptions[0]!.emit('end');
  for (; !loaded; await new Promise(setImmediate)) await jest.advanceTimersByTimeAsync(100);
  stopping.abort();
  loaded(null);
  await following;
  expect(store.subscriptions).toHaveLength(1);
}, 5_000);
