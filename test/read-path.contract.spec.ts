import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import type { Category } from '#contracts/categories.js';
import { timeOf } from '#eventstore/as-of.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { commandHandler } from '#eventstore/command-handler.js';
import type { Decider } from '#eventstore/decider.js';
import { Feed } from '#eventstore/feed.js';
import { poolOf } from '#eventstore/pool.js';
import { type OnApplied, Projector } from '#eventstore/projector.js';
import { readStream } from '#eventstore/read-stream.js';
import { rowPerStream, type View } from '#eventstore/view.js';
import { createProjectionTables } from '#service/migrations.js';
import { until } from '#testing/api.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';

type Event = { type: 'Counted'; n: number } | { type: 'Poison' } | { type: 'Garbled' };
type Command = { type: 'Count' } | { type: 'Spoil' } | { type: 'Garble' };

const counter: Decider<number, Command, Event> = {
  initial: 0,
  decide: (command, n) => {
    if (command.type === 'Spoil') return [{ type: 'Poison' }];
    return [command.type === 'Garble' ? { type: 'Garbled' } : { type: 'Counted', n: n + 1 }];
  },
  evolve: (n, event) => (event.type === 'Counted' ? event.n : n),
};

@Entity('counters')
class CounterRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') n!: number;
  /** Not an absolute value on purpose: it would betray an event that was applied twice. */
  @Column('int') applied!: number;
}

const view = rowPerStream<CounterRow, Event>({
  name: 'counters',
  kind: 'counter',
  entity: CounterRow,
  projection: {
    Counted: (e, row) => ({ n: e.n, applied: (row.applied ?? 0) + 1 }),
    Garbled: () => ({ n: 'not a number' as unknown as number, applied: 1 }),
    Poison: () => {
      throw new Error('poison');
    },
  },
});

let stack: Stack;
let client: EventStoreDBClient;
let database: DataSource;
let running: Feed[] = [];
const silent = { warn: () => undefined, error: () => undefined };
const tenant = newTenant();

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'] });
  client = connectEventStore(stack.run().eventstore.url);
  database = await new DataSource({
    type: 'postgres',
    url: stack.run().databases['audit']!,
    entities: [CounterRow, Checkpoint, ParkedEvent],
  }).initialize();
  const runner = database.createQueryRunner();
  await createProjectionTables(runner);
  await runner.query('create table counters (id uuid primary key, n int not null, applied int not null)');
  await runner.release();
});

afterEach(async () => {
  await Promise.all(running.map((feed) => feed.stop()));
  running = [];
});

afterAll(async () => {
  await database.destroy();
  await client.dispose();
  await stack.stop();
});

const handle = (...args: Parameters<ReturnType<typeof handler>>) => handler()(...args);
const handler = () => commandHandler(client, 'counter' as Category, counter);
const count = (id: string, context = contextFor(tenant)) => handle({ id, command: { type: 'Count' }, context });

function start(of: View = view, onApplied?: OnApplied): Projector {
  const projector = new Projector({ dataSource: database, log: silent }, of, onApplied);
  const feed = new Feed(client, [projector]);
  running.push(feed);
  feed.start();
  return projector;
}
const row = (id: string) => database.getRepository(CounterRow).findOneBy({ id });

describe('the command path', () => {
  it('decides again when another writer was first, and loses nothing', async () => {
    const id = randomUUID();
    await Promise.all(Array.from({ length: 4 }, () => count(id)));
    const { events } = await readStream<Event>(client, `counter-${id}`);
    expect(events.map(({ event }) => (event.type === 'Counted' ? event.n : null))).toEqual([1, 2, 3, 4]);
  });

  it('answers a repeated command from the events it has left, without a second effect', async () => {
    const id = randomUUID();
    const context = contextFor(tenant);
    const first = await count(id, context);
    await count(id);
    const again = await count(id, context);
    expect(again.decided).toEqual(first.decided);
    expect(again.events).toHaveLength(2);
    expect((await readStream(client, `counter-${id}`)).events).toHaveLength(2);
  });

  it('writes who asked beside each event', async () => {
    const id = randomUUID();
    const context = contextFor(tenant);
    await count(id, context);
    const [only] = (await readStream(client, `counter-${id}`)).events;
    expect(only!.metadata).toMatchObject({ ...tenant, actor: context.actor, request_id: context.request_id });
  });

  it('does not append for a caller that has given up', async () => {
    const id = randomUUID();
    const late = { ...contextFor(tenant), deadline: Date.now() - 1 };
    await expect(count(id, late)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await readStream(client, `counter-${id}`)).events).toEqual([]);
  });

  it('appends to a store whose clock is far ahead', async () => {
    const id = randomUUID();
    await count(id);
    const { now } = Date;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 60_000);
    await count(id).finally(() => clock.mockRestore());
    expect((await readStream(client, `counter-${id}`)).events).toHaveLength(2);
  });
});

it('a client that has looked up when a position was written can be disposed of', async () => {
  const { position } = await count(randomUUID());
  const another = connectEventStore(stack.run().eventstore.url);
  // A single answer may come at once with its end.
  const times = await Promise.all(Array.from({ length: 50 }, () => timeOf(another, { position })));
  expect(new Set(times).size).toBe(1);
  await another.dispose();
});

describe('the read path', () => {
  it('shows a write once its position is reached', async () => {
    const projector = start();
    const id = randomUUID();
    await count(id);
    const { position } = await count(id);
    await projector.reached(position);
    expect(await row(id)).toEqual({ id, n: 2, applied: 2 });
  });

  it('moves by one of two replicas at a time and applies each event once', async () => {
    const [one, two] = [start(), start()];
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const positions = await Promise.all(
      ids.map(async (id) => (await count(id), await count(id), (await count(id)).position)),
    );
    const last = String(positions.map(BigInt).reduce((a, b) => (a > b ? a : b)));
    await Promise.all([one.reached(last), two.reached(last)]);
    for (const id of ids) expect(await row(id)).toEqual({ id, n: 3, applied: 3 });
  });

  it('is not moved back by a slow replica that has seen meanwhile how far the other one is', async () => {
    let held = Promise.resolve();
    let release!: () => void;
    const fast = start();
    const slow = start({ ...view, changes: async (...args) => (await held, view.changes(...args)) });
    const id = randomUUID();
    const countAndSee = async () => {
      const { position } = await count(id);
      await Promise.all([fast, slow].map((replica) => replica.reached(position)));
    };
    await countAndSee();
    held = new Promise((resolve) => (release = resolve));
    for (let n = 0; n < 3; n++) await countAndSee();
    release();
    for (let n = 0; n < 2; n++) await countAndSee();
    expect(await row(id)).toEqual({ id, n: 6, applied: 6 });
  });

  it('tells every replica what happened, whichever of them moved it', async () => {
    const heard = [[], []] as string[][];
    const replicas = heard.map((streams) =>
      start(view, ({ events }) => streams.push(...events.map(({ stream }) => stream))),
    );
    // One that begins later is not told what the other one has moved by then.
    await until(
      () => Promise.resolve(replicas),
      (all) => all.every((replica) => replica.hasCaughtUp),
    );
    const ids = Array.from({ length: 10 }, () => randomUUID());
    for (const id of ids) {
      const { position } = await count(id);
      await Promise.all(replicas.map((replica) => replica.reached(position)));
    }
    const streams = ids.map((id) => `counter-${id}`);
    const whole = until(
      () => Promise.resolve(heard.map((all) => all.filter((stream) => streams.includes(stream)))),
      (both) => both.every((all) => all.length >= streams.length),
    );
    expect(await whole).toEqual([streams, streams]);
  });

  it('begins anew, rather than going on from memory, when its checkpoint is taken away', async () => {
    const projector = start();
    const id = randomUUID();
    await projector.reached((await count(id)).position);
    await database.query('truncate counters, checkpoints, parked_events');
    const { position } = await count(id);
    await until(
      () => row(id),
      (found) => found?.n === 2,
    );
    await projector.reached(position);
    expect(await row(id)).toEqual({ id, n: 2, applied: 2 });
  });

  it('applies again what a crash of the database has taken back, also when nothing new happens', async () => {
    const projector = start();
    const id = randomUUID();
    await projector.reached((await count(id)).position);
    await database.query('truncate counters, checkpoints, parked_events');
    const back = await until(
      () => row(id),
      (found) => found !== null,
    );
    expect(back).toEqual({ id, n: 1, applied: 1 });
  });

  it('does not count as reached what was lost with the connections to the database', async () => {
    const projector = start();
    const id = randomUUID();
    const { position } = await count(id);
    await projector.reached(position);
    await database.query('truncate counters, checkpoints, parked_events');
    // The helper of Node's events would take the pool's word of a cut connection for a failure of the wait.
    const cut = new Promise((resolve) => poolOf(database).once('remove', resolve));
    const all = 'select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user';
    await database.query(all).catch(() => undefined);
    await cut;
    await until(
      () => projector.reached(position).then(() => true),
      (reached) => reached,
    );
    expect(await row(id)).toEqual({ id, n: 1, applied: 1 });
  });

  it('puts a poison event aside and goes on with the others', async () => {
    const projector = start();
    const [bad, good] = [randomUUID(), randomUUID()];
    await handle({ id: bad, command: { type: 'Spoil' }, context: contextFor(tenant) });
    const { position } = await count(good);
    await projector.reached(position);
    expect(await row(good)).toMatchObject({ n: 1 });
    expect((await projector.health()).parked).toBe(1);
    const parked = await database.getRepository(ParkedEvent).findBy({ stream: `counter-${bad}` });
    expect(parked).toMatchObject([{ type: 'Poison', error: 'Error: poison' }]);
  });

  it('puts aside what the database cannot hold, and goes on with what came with it', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    await count(ids[0]!);
    await handle({ id: ids[1]!, command: { type: 'Garble' }, context: contextFor(tenant) });
    const { position } = await count(ids[2]!);
    const projector = start();
    await projector.reached(position);
    expect(await row(ids[0]!)).toMatchObject({ n: 1 });
    expect(await row(ids[1]!)).toBeNull();
    expect(await row(ids[2]!)).toMatchObject({ n: 1 });
    const parked = await database.getRepository(ParkedEvent).findBy({ stream: `counter-${ids[1]}` });
    expect(parked).toMatchObject([{ type: 'Garbled' }]);
  });

  it('puts aside all events of a stream whose id no row can have', async () => {
    const [strange, good] = [`no-uuid-${randomUUID().slice(0, 4)}`, randomUUID()];
    const projector = start();
    await projector.reached((await count(strange)).position);
    await count(strange);
    const { position } = await count(good);
    await projector.reached(position);
    expect(await row(good)).toMatchObject({ n: 1 });
    const parked = await database.getRepository(ParkedEvent).findBy({ stream: `counter-${strange}` });
    expect(parked).toMatchObject([{ type: 'Counted' }, { type: 'Counted' }]);
  });

  it('goes on from its checkpoint after the event store and the database were killed', async () => {
    const projector = start();
    const id = randomUUID();
    await projector.reached((await count(id)).position);
    stack.kill('eventstore');
    stack.kill('postgres');
    const { position } = await until(
      () => count(id, { ...contextFor(tenant), deadline: Date.now() + 3_000 }),
      () => true,
      20_000,
    );
    await until(
      () => projector.reached(position).then(() => true),
      (reached) => reached,
    );
    const { events } = await readStream<Event>(client, `counter-${id}`);
    expect(await row(id)).toEqual({ id, n: events.length, applied: events.length });
  });

  it('is equal to itself when it is built again from nothing', async () => {
    const live = start();
    await live.reached((await count(randomUUID())).position);
    const before = await database.query<unknown[]>('select * from counters order by id');
    await running[0]!.stop();
    await database.query('truncate counters, checkpoints, parked_events');
    const again = start();
    await again.reached((await count(randomUUID())).position);
    const after = await database.query<{ id: string }[]>('select * from counters order by id');
    const known = new Set((before as { id: string }[]).map(({ id }) => id));
    expect(after.filter(({ id }) => known.has(id))).toEqual(before);
  });
});
