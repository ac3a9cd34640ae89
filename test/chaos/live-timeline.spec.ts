import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { categories, categoryOf, type Category } from '#contracts/categories.js';
import { type Api, apiWith, newCaller, until } from '#testing/api.js';
import { followEntries } from '#testing/live-entries.js';
import { type Stack, startStack } from '#testing/stack.js';
import { readAllEvents } from './invariants.js';
import { randomFrom } from './random.js';

const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const PER_SECOND = 200;
const KILLED = ['audit', 'nats', 'eventstore', 'postgres'];
const WRITES_BETWEEN_KILLS = 150;
/** So many writes may be under way: one more waits, as the next second does not wait for a part that is away. */
const CLIENTS = 24;

let stack: Stack;
let api: Api;
let key: string;
let project: string;

beforeAll(async () => {
  stack = await startStack({ servers: 'local' });
  const caller = await newCaller(stack.run());
  ({ key } = caller);
  api = apiWith(stack.url, key, 1);
  project = caller.tenant.project_id;
});
afterAll(() => stack?.stop());

/** Users are created at this pace, for as long as it goes on; a part that is away refuses some. */
class Load {
  done = 0;
  private going = true;
  private readonly running = Promise.all(Array.from({ length: CLIENTS }, (_, n) => this.client(n)));

  async stop(): Promise<void> {
    this.going = false;
    await this.running;
  }

  private async client(n: number): Promise<void> {
    await wait((n * 1_000) / PER_SECOND);
    for (let due = performance.now(); this.going; due += (1_000 * CLIENTS) / PER_SECOND) {
      if (due > performance.now()) await wait(due - performance.now());
      const answer = await api.post('/api/v1/users', { name: `user of ${n}` }).catch(() => null);
      if (answer?.status === 201) this.done++;
      else due = performance.now();
    }
  }
}

/** Reads the stream, breaks off at random, and goes on with Last-Event-ID. */
class Reader {
  readonly positions: string[] = [];
  connections = 0;
  private lastId: string | undefined = '0';
  private going = true;
  private readonly running: Promise<void>;

  constructor(random: ReturnType<typeof randomFrom>) {
    this.running = this.read(random);
  }

  async stop(): Promise<void> {
    this.going = false;
    await this.running;
  }

  private async read(random: ReturnType<typeof randomFrom>): Promise<void> {
    while (this.going) {
      const stream = followEntries(`${stack.url}/api/v1/audit/stream`, { 'x-api-key': key }, this.lastId);
      this.connections++;
      const until = performance.now() + 200 + random.below(1_500);
      while (this.going && performance.now() < until) await Promise.race([wait(20), stream.over]);
      stream.close();
      await stream.over;
      this.positions.push(...stream.entries.map(({ position }) => position));
      this.lastId = stream.lastId;
    }
  }
}

describe(`the live timeline, with parts killed under ${PER_SECOND} writes/s (CHAOS_SEED=${seed})`, () => {
  it('tells a client that resumes every entry exactly once, in order', async () => {
    const random = randomFrom(seed);
    const reader = new Reader(random);
    const load = new Load();
    const done = (count: number) =>
      until(
        () => Promise.resolve(load.done),
        (now) => now >= count,
        30_000,
      );
    for (const part of KILLED) {
      await done(load.done + WRITES_BETWEEN_KILLS / 2 + random.below(WRITES_BETWEEN_KILLS));
      stack.kill(part);
    }
    await done(load.done + WRITES_BETWEEN_KILLS);
    await load.stop();

    const isShown = (stream: string) => categories[categoryOf(stream) as Category] === 'shown';
    const truth = (await readAllEvents(stack.run().eventstore.url))
      .filter(({ stream, metadata }) => isShown(stream) && metadata.project_id === project)
      .map(({ commit }) => String(commit));
    await until(
      () => Promise.resolve(reader.positions.at(-1)),
      (last) => last !== undefined && BigInt(last) >= BigInt(truth.at(-1)!),
      30_000,
    );
    await reader.stop();
    expect(truth.length).toBeGreaterThan(WRITES_BETWEEN_KILLS * KILLED.length * 0.75);
    expect(reader.connections).toBeGreaterThan(3);
    // What was appended after the truth was read is no fault.
    const end = BigInt(truth.at(-1)!);
    expect(reader.positions.filter((position) => BigInt(position) <= end)).toEqual(truth);
  }, 120_000);
});
