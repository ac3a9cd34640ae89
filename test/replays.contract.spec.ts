import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { uuidV5 } from '#contracts/ids.js';
import type { ViewReplay } from '#contracts/replay.js';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { Feed } from '#eventstore/feed.js';
import { Projector } from '#eventstore/projector.js';
import { readStream } from '#eventstore/read-stream.js';
import { lock, openSession } from '#eventstore/replay-session.js';
import type { View } from '#eventstore/view.js';
import type { Bus } from '#service/bus.js';
import { databaseOptions, openDatabase } from '#service/database.js';
import { replayMigrations } from '#service/migrations.js';
import { Replays } from '#service/replays.js';
import { Store } from '#service/store.js';
import { viewReplay } from '#service/view-replay.decider.js';
import { until } from '#testing/api.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';
import { BellRow, bells, Bells1700000000001, ring } from './bells.js';
import { behindProxy, type TcpProxy } from './tcp-proxy.js';

let stack: Stack;
let client: EventStoreDBClient;
let proxy: TcpProxy;
let database: DataSource;
let feed: Feed;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'], servers: 'local' });
  client = connectEventStore(stack.run().eventstore.url);
  const through = await behindProxy(stack.run().databases['audit']!);
  proxy = through.proxy;
  const migrations = [...replayMigrations, Bells1700000000001];
  database = await openDatabase(
    databaseOptions(through.url, { entities: [Checkpoint, ParkedEvent, BellRow], migrations }),
  );
  const projector = new Projector({ dataSource: database, log: console }, bells);
  feed = new Feed(client, [projector]);
  feed.start();
  await projector.reached((await ring(client, randomUUID())).position);
});

afterAll(async () => {
  await feed.stop();
  await database.destroy();
  proxy.close();
  await client.dispose();
  await stack.stop();
});

const waitUntilCaughtUp = () => Promise.resolve();
const replica = (view: View = bells, dataSource = database, events = client) =>
  new Replays({ client: events, dataSource, views: [view], waitUntilCaughtUp } as unknown as Store, 'audit');

const withQuery = (query: (text: string, values?: unknown[]) => Promise<unknown>) =>
  Object.create(database, { query: { value: query } }) as DataSource;

/** The event store, when nothing can be written. */
const withoutAppend = () =>
  Object.create(client, { appendToStream: { value: () => Promise.reject(new Error('away')) } }) as EventStoreDBClient;

/** Of a replay at work, of which nothing was heard for long. */
const silentRow = (id: string, view = 'bells') =>
  database.query(
    `insert into view_replays (id, "view", verify, state, phase, seen_at)
     values ($1, $2, false, 'running', 'building', now() - interval '16 seconds')
     on conflict (id, "view") do update set seen_at = excluded.seen_at`,
    [id, view],
  );

async function start(replays: Replays, view = 'bells', verify = false): Promise<string> {
  const id = randomUUID();
  await replays.start({ context: contextFor(newTenant()), id, view, verify });
  return id;
}

const ended = (replays: Replays, id: string, limitMs?: number) =>
  until(
    async () => (await replays.list({ id }))[0]!,
    ({ state }: ViewReplay) => state !== 'running',
    limitMs,
  );

describe('the replays of a service', () => {
  it('fail when the host of the database is gone, and the next one runs', async () => {
    let isGone = false;
    const leaving: View = {
      ...bells,
      changes(batch, rows) {
        if (!isGone) proxy.strand();
        isGone = true;
        return bells.changes(batch, rows);
      },
    };
    const replays = replica(leaving);
    replays.onApplicationBootstrap();
    const ids = [await start(replays), await start(replays, 'bells', true)];
    expect(await ended(replays, ids[0]!, 45_000)).toMatchObject({ state: 'failed', drift: null });
    proxy.restore(); // The database notices that the session has ended.
    expect(await ended(replays, ids[1]!)).toMatchObject({ state: 'done', drift: { rows: [] } });
    await replays.onApplicationShutdown();
  });

  it('wait until the live view has caught up', async () => {
    let letGo!: () => void;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const changes: View['changes'] = async (batch, rows) => gate.then(() => bells.changes(batch, rows));
    const store = new Store(client, database, {} as Bus);
    store.project({ ...bells, name: 'filled', changes });
    const replays = new Replays(store, 'audit');
    const other = replica();
    try {
      const id = await start(replays, 'filled');
      // Of the same table: it has the time to do it, and nothing is in its way.
      expect(await ended(other, await start(other))).toMatchObject({ state: 'done' });
      expect(await replays.list({ id })).toMatchObject([{ state: 'running', phase: 'waiting' }]);
      letGo();
      const { state, drift, events } = await ended(replays, id);
      expect({ state, drift, events }).toMatchObject({ state: 'done', drift: { rows: [] } });
      expect(events).toBeGreaterThan(0);
    } finally {
      letGo();
      await store.onApplicationShutdown();
      for (const one of [replays, other]) await one.onApplicationShutdown();
    }
  });

  it('fail at once, and say why, where the table is gone', async () => {
    const never = () => new Promise<void>(() => undefined);
    const store = { client, dataSource: database, views: [bells], waitUntilCaughtUp: never } as unknown as Store;
    const replays = new Replays(store, 'audit');
    await database.query('alter table bells rename to lost');
    try {
      const error = expect.stringMatching(/^The table bells is gone/);
      expect(await ended(replays, await start(replays))).toMatchObject({ state: 'failed', error });
    } finally {
      await database.query('alter table lost rename to bells');
      await replays.onApplicationShutdown();
    }
  });

  it('are done when they have swapped, also when the process then dies; the next start tells of it', async () => {
    const extra = randomUUID();
    await database.query('insert into bells values ($1, 7)', [extra]);
    const dying = withQuery((text, values) =>
      text.startsWith('select state') ? new Promise(() => undefined) : database.query(text, values),
    );
    const id = await start(replica(bells, dying));
    const next = replica();
    const drift = { extra: 1, rows: [{ key: extra, kind: 'extra', columns: [] }] };
    expect(await ended(next, id)).toMatchObject({ state: 'done', phase: 'over', drift, error: null });
    const told = async () =>
      (await readStream(client, `view_replay-${uuidV5(id, 'bells')}`)).events.map((e) => e.event);
    expect(await told()).toMatchObject([{ type: 'ViewReplayStarted' }]);
    next.onApplicationBootstrap();
    const events = await until(told, ({ length }) => length === 2);
    expect(events[1]).toMatchObject({ type: 'ViewReplayEnded', outcome: 'done', differing: 1 });
    await next.onApplicationShutdown();
  });

  it('are told to have failed by who notices that their process is silent', async () => {
    const [id, tenant] = [randomUUID(), newTenant()];
    const at = new Date().toISOString();
    await commandHandler(
      client,
      'view_replay',
      viewReplay,
    )({
      id: uuidV5(id, 'bells'),
      command: { type: 'StartViewReplay', replay_id: id, view: 'bells', verify: false, at },
      context: contextFor(tenant),
    });
    await silentRow(id);
    const next = replica();
    const justStarted = withQuery((text, values) =>
      database.query(text.replaceAll('pg_postmaster_start_time()', 'now()'), values),
    );
    expect(await replica(bells, justStarted).list({ id })).toMatchObject([{ state: 'running' }]);
    const session = await openSession(database);
    expect(await lock(session, bells)).toBe(true);
    expect(await next.list({ id })).toMatchObject([{ state: 'running' }]);
    await session.end();
    expect(
      await until(
        () => next.list({ id }),
        ([row]) => row?.state !== 'running',
      ),
    ).toMatchObject([{ state: 'failed' }]);
    const told = async () => (await readStream(client, `view_replay-${uuidV5(id, 'bells')}`)).events;
    const [started, over] = await until(told, ({ length }) => length === 2);
    expect(over).toMatchObject({ event: { type: 'ViewReplayEnded', outcome: 'failed' }, metadata: tenant });
    expect(over!.metadata.request_id).toBe(started!.metadata.request_id);
  });

  it('have not failed because nobody heard of them while the database was away, also where they wait for their turn', async () => {
    const session = await openSession(database);
    expect(await lock(session, bells)).toBe(true); // The first of the two waits for this.
    const second: View = { ...bells, name: 'second' };
    const store = { client, dataSource: database, views: [bells, second], waitUntilCaughtUp };
    const replays = new Replays(store as unknown as Store, 'audit');
    const id = randomUUID();
    await replays.start({ context: contextFor(newTenant()), id, verify: true });
    await silentRow(id, 'second');
    const states = (await replays.list({ id })).map(({ state }) => state);
    expect(states).toEqual(['running', 'running']);
    await session.end();
    await replays.onApplicationShutdown();
  });

  it('are done once for all that wish the same before it has begun, of which there are not too many', async () => {
    const session = await openSession(database);
    expect(await lock(session, bells)).toBe(true);
    let runs = 0;
    let saves = 0;
    const counted = withQuery((text, values) => {
      if (text.startsWith('update view_replays set phase')) saves++;
      return database.query(text, values);
    });
    const counts = () => Promise.resolve(void runs++);
    const store = { client, dataSource: counted, views: [bells], waitUntilCaughtUp: counts };
    const replays = new Replays(store as unknown as Store, 'audit');
    const ids: string[] = [];
    try {
      ids.push(await start(replays));
      await until(() => Promise.resolve(runs), Boolean);
      for (let n = 0; n < 50; n++) ids.push(await start(replays));
      await expect(start(replays)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      saves = 0;
      await Promise.all([1, 2, 3].map(async () => replays.list({})));
      expect(saves).toBe(1);
    } finally {
      await session.end();
    }
    for (const id of ids) expect(await ended(replays, id)).toMatchObject({ state: 'done' });
    expect(runs).toBe(2);
    await replays.onApplicationShutdown();
    for (const id of ids) {
      const { events } = await readStream(client, `view_replay-${uuidV5(id, 'bells')}`);
      expect(events.map(({ event }) => event.type)).toEqual(['ViewReplayStarted', 'ViewReplayEnded']);
    }
  });

  it('are seen to have failed, and nothing is told, when their process died before it could say that they begin', async () => {
    const cutOff = withQuery((text, values) =>
      text.startsWith('delete') ? Promise.reject(new Error('gone')) : database.query(text, values),
    );
    await expect(start(replica(bells, cutOff, withoutAppend()))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const [{ id }] = await database.query<[{ id: string }]>(
      'select id from view_replays order by started_at desc limit 1',
    );
    const next = replica();
    await silentRow(id);
    expect(await ended(next, id)).toMatchObject({ state: 'failed' });
    const row = () => database.query<[{ told: boolean }]>('select told from view_replays where id = $1', [id]);
    await until(row, ([{ told }]) => told);
    expect((await readStream(client, `view_replay-${uuidV5(id, 'bells')}`)).events).toEqual([]);
  });

  it('can be wished again when the event store was away', async () => {
    const [id, context] = [randomUUID(), contextFor(newTenant())];
    const wish = { context, id, view: 'bells', verify: false };
    await expect(replica(bells, database, withoutAppend()).start(wish)).rejects.toThrow();
    const replays = replica();
    await replays.start(wish);
    expect(await ended(replays, id)).toMatchObject({ state: 'done' });
    await replays.onApplicationShutdown();
  });
});
