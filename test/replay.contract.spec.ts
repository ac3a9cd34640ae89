import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import type { Category } from '#contracts/categories.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { commandHandler } from '#eventstore/command-handler.js';
import type { Decider } from '#eventstore/decider.js';
import { Feed } from '#eventstore/feed.js';
import { Projector } from '#eventstore/projector.js';
import { readPages } from '#eventstore/read-pages.js';
import type { Recorded } from '#eventstore/recorded.js';
import { dropLeftovers, replay, type ReplayOrder, type ReplayProgress } from '#eventstore/replay.js';
import { rowPerStream, type View } from '#eventstore/view.js';
import { createProjectionTables } from '#service/migrations.js';
import { prepared } from '#service/prepared.js';
import { until } from '#testing/api.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';

type Event = { type: 'Counted'; n: number; note: string } | { type: 'Gone' };
type Command = { type: 'Count'; note: string } | { type: 'Go' };

const counter: Decider<number, Command, Event> = {
  initial: 0,
  decide: (command, n) => (command.type === 'Go' ? [{ type: 'Gone' }] : [{ ...command, type: 'Counted', n: n + 1 }]),
  evolve: (n, event) => (event.type === 'Counted' ? event.n : n),
};

@Entity('tallies')
class TallyRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') n!: number;
  @Column('int') applied!: number;
  @Column('text', { nullable: true }) note!: string | null;
  @Column('jsonb') last!: object;
}

const tallies: View = rowPerStream<TallyRow, Event>({
  name: 'tallies',
  kind: 'tally',
  entity: TallyRow,
  projection: {
    Counted: (e, row) => ({ n: e.n, applied: (row.applied ?? 0) + 1, note: e.note, last: { n: e.n } }),
    Gone: () => null,
  },
});

let stack: Stack;
let client: EventStoreDBClient;
let database: DataSource;
let live: Projector;
let feed: Feed;
const tenant = newTenant();
const log = { warn: () => undefined, error: () => undefined };

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'] });
  client = connectEventStore(stack.run().eventstore.url);
  database = await new DataSource({
    type: 'postgres',
    url: stack.run().databases['audit']!,
    entities: [TallyRow, Checkpoint, ParkedEvent],
    extra: { query_timeout: 2_000, statement_timeout: 1_800 },
  }).initialize();
  const runner = database.createQueryRunner();
  await createProjectionTables(runner);
  await runner.query(`create table tallies (id uuid primary key, n int not null check (n > 0), applied int not null,
    note text collate "C", last jsonb not null, unique (id, n))`);
  await runner.query(`create index tallies_noted on tallies (note desc, n) where note is not null`);
  await runner.release();
  live = new Projector({ dataSource: database, log }, tallies);
  feed = new Feed(client, [live]);
  feed.start();
});

afterAll(async () => {
  await feed.stop();
  await database.destroy();
  await client.dispose();
  await stack.stop();
});

const handle = (id: string, command: Command) =>
  commandHandler(client, 'tally' as Category, counter)({ id, command, context: contextFor(tenant) });
const count = (id: string, note = 'noted') => handle(id, { type: 'Count', note });

async function counted(times: number): Promise<string> {
  const id = randomUUID();
  for (let n = 1; n <= times; n++) await live.reached((await count(id)).position);
  return id;
}

const run = (order: Partial<ReplayOrder> = {}) =>
  replay(
    { client, dataSource: database, log },
    { view: tallies, verify: false, signal: new AbortController().signal, onProgress: () => undefined, ...order },
  );

const rows = () => database.query<TallyRow[]>('select * from tallies order by id');
const shape = () =>
  database.query<{ def: string }[]>(
    `select pg_get_indexdef(indexrelid) as def from pg_index where indrelid = 'tallies'::regclass
     union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = 'tallies'::regclass
     union all select attname || ' ' || format_type(atttypid, atttypmod) || attcollation || attnotnull from pg_attribute
       where attrelid = 'tallies'::regclass and attnum > 0
     union all select 'options ' || coalesce(reloptions::text, '') from pg_class where oid = 'tallies'::regclass order by 1`,
  );
const leftovers = () =>
  database.query<unknown[]>(
    `select relname from pg_class where relname like '%replay%'
     union all select "view" from parked_events where "view" like 'replay:%'`,
  );

/** A view that has read its rows, and waits before it says what to write. */
function slowView() {
  let letGo!: () => void;
  let hasRead!: () => void;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const read = new Promise<void>((resolve) => (hasRead = resolve));
  const slow: View = {
    ...tallies,
    async changes(batch, table) {
      const changes = await tallies.changes(batch, table);
      hasRead();
      await gate;
      return changes;
    },
  };
  return { slow, read, letGo };
}

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

describe('a replay', () => {
  it('makes the same rows, in a table of the same shape', async () => {
    await counted(3);
    const gone = await counted(1);
    await live.reached((await handle(gone, { type: 'Go' })).position);
    const before = [await rows(), await shape()];
    const seen: ReplayProgress[] = [];
    const { drift, parked } = await run({ onProgress: (progress) => seen.push(progress) });
    expect({ drift, parked }).toEqual({ drift: { missing: 0, extra: 0, changed: 0, rows: [] }, parked: 0 });
    expect([await rows(), await shape()]).toEqual(before);
    expect(seen.at(-1)).toMatchObject({ phase: 'over', done: 1 });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['building', 'comparing', 'swapping', 'over']);
    // And again on what has taken its place.
    expect((await run()).drift.rows).toEqual([]);
    expect(await shape()).toEqual(before[1]);
  });

  it.each([true, false])('names what was planted by hand, row and column (verify: %s)', async (verify) => {
    const [changed, missing] = [await counted(2), await counted(1)];
    const extra = randomUUID();
    const truth = await rows();
    await database.query(`update tallies set note = 'planted', last = '{"n": 2.0}' where id = $1`, [changed]);
    await database.query('delete from tallies where id = $1', [missing]);
    await database.query(`insert into tallies values ($1, 1, 1, null, '{}')`, [extra]);
    const planted = await rows();
    const { drift } = await run({ verify });
    expect(drift).toMatchObject({ missing: 1, extra: 1, changed: 1 });
    expect(drift.rows).toHaveLength(3);
    expect(drift.rows).toEqual(
      expect.arrayContaining([
        { key: changed, kind: 'changed', columns: ['note', 'last'] },
        { key: missing, kind: 'missing', columns: [] },
        { key: extra, kind: 'extra', columns: [] },
      ]),
    );
    expect(await rows()).toEqual(verify ? planted : truth);
    if (verify) await run();
  });

  it('lets the live view go on, and no read fails or goes back meanwhile (I11)', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => counted(1)));
    const byId = prepared<TallyRow>(database, 'tally_by_id', 'select * from tallies where id = $1');
    const newest = new Map<string, number>();
    let [reads, writes, over] = [0, 0, false];
    const see = (id: string, row: TallyRow | null | undefined) => {
      reads++;
      if (!row || row.n < (newest.get(id) ?? 1)) throw new Error(`${id} was at ${newest.get(id)}, now ${row?.n}`);
      newest.set(id, row.n);
    };
    const reader = async (id: string) => {
      while (!over) {
        see(id, (await byId([id]))[0]);
        see(id, await database.getRepository(TallyRow).findOneBy({ id }));
      }
    };
    const writer = async (id: string) => {
      while (!over) {
        writes++;
        await live.reached((await count(id)).position);
      }
    };
    const others = [...ids.map(reader), ...ids.slice(0, 2).map(writer)];
    const swaps = async () => {
      for (let n = 0; n < 5; n++) expect((await run()).drift.rows).toEqual([]);
    };
    const ended = Promise.all(others);
    await Promise.race([swaps(), ended]).finally(() => (over = true));
    await ended;
    expect(reads).toBeGreaterThan(100);
    expect(writes).toBeGreaterThan(5);
    const row = (await rows()).find(({ id }) => id === ids[0])!;
    expect(row.applied).toBe(row.n);
    expect((await run({ verify: true })).drift.rows).toEqual([]);
  });

  it('waits for readers that hold the table, without keeping others waiting for long', async () => {
    const id = await counted(1);
    const slow = new Client(stack.run().databases['audit']);
    await slow.connect();
    await slow.query('begin; select * from tallies');
    let swapping = 0;
    const done = run({ onProgress: ({ phase }) => (swapping += phase === 'swapping' ? 1 : 0) });
    await until(
      () => Promise.resolve(swapping),
      (tries) => tries > 2,
    );
    await live.reached((await count(id)).position);
    expect(await database.getRepository(TallyRow).findOneBy({ id })).toMatchObject({ n: 2 });
    await slow.query('commit');
    await slow.end();
    expect((await done).drift.rows).toEqual([]);
  });

  it('waits for a vacuum of the table while others read and write', async () => {
    const id = await counted(1);
    const vacuum = new Client(stack.run().databases['audit']);
    await vacuum.connect();
    await vacuum.query('begin; lock table tallies in share update exclusive mode');
    let swapping = 0;
    const done = run({ onProgress: ({ phase }) => (swapping += phase === 'swapping' ? 1 : 0) });
    const waiting = `select from pg_locks where not granted and mode = 'ShareUpdateExclusiveLock'`;
    await until(
      () => database.query<object[]>(waiting),
      (locks) => locks.length === 1,
    );
    await live.reached((await count(id)).position);
    expect(await database.getRepository(TallyRow).findOneBy({ id })).toMatchObject({ n: 2 });
    const options = `select reloptions from pg_class where relname = 'tallies__replay'`;
    expect(await database.query(options)).toEqual([{ reloptions: ['autovacuum_enabled=off'] }]);
    await vacuum.query('commit');
    await vacuum.end();
    expect((await done).drift.rows).toEqual([]);
    expect(swapping).toBe(1);
  });

  it('is not undone by a projector that has read a row before the swap and writes it after', async () => {
    const id = await counted(1);
    await feed.stop();
    await database.query('update tallies set applied = 100 where id = $1', [id]);
    const { read, letGo, slow } = slowView();
    const projector = new Projector({ dataSource: database, log }, slow);
    const from = await projector.begin();
    const { position } = await count(id);
    const upTo = { commit: BigInt(position), prepare: BigInt(position) };
    const events: Recorded[] = [];
    for await (const page of readPages(client, { prefixes: tallies.prefixes, after: from, upTo }))
      events.push(...page.events);
    const applied = projector.apply({ events, position: upTo });
    await read;
    expect((await run()).drift).toMatchObject({ changed: 1 });
    letGo();
    await applied;
    expect(await database.getRepository(TallyRow).findOneBy({ id })).toMatchObject({ n: 2, applied: 2 });
    feed = new Feed(client, [live]);
    feed.start();
  });

  it('shows the database and who waits that it is at work, also over many events that are not for it', async () => {
    await live.reached((await count(randomUUID())).position);
    const others = Array.from({ length: 2_500 }, (_, n) => jsonEvent({ type: 'Rang', data: { n } }));
    await client.appendToStream(`ring-${randomUUID()}`, others);
    await live.reached((await count(randomUUID())).position);
    const seen: ReplayProgress[] = [];
    await run({ verify: true, onProgress: (progress) => seen.push({ ...progress }) });
    const steps = new Set(seen.filter(({ phase }) => phase === 'building').map(({ done }) => done));
    expect(steps.size).toBeGreaterThan(2);
  });

  it('takes in however much has happened while it waited for its turn', async () => {
    const slow = new Client(stack.run().databases['audit']);
    await slow.connect();
    await slow.query('begin; select * from tallies');
    let begun!: () => void;
    const swapping = new Promise<void>((resolve) => (begun = resolve));
    const done = run({ onProgress: ({ phase }) => phase === 'swapping' && begun() });
    await swapping;
    const ids = Array.from({ length: 300 }, (): string => randomUUID());
    try {
      for (let n = 0; n < ids.length; n += 50) {
        for (const { position } of await Promise.all(ids.slice(n, n + 50).map((id) => count(id))))
          await live.reached(position);
      }
    } finally {
      await slow.end();
      await done.catch(() => undefined);
    }
    expect((await done).drift.rows).toEqual([]);
    const { length } = (await rows()).filter(({ id }) => ids.includes(id));
    expect(length).toBe(ids.length);
  });

  it.each(['', '\\N', '\\.', 'a\tb\nc\r\\d', '"{,}"', 'e\u0301 🙂', '\u2028', '\u0000', '\ud800'])(
    'writes the text %j as the live view does, or puts it aside as well',
    async (note) => {
      const { position } = await count(randomUUID(), note);
      await live.reached(position);
      const before = await rows();
      const { drift, parked } = await run();
      expect({ drift: drift.rows, parked }).toEqual({ drift: [], parked: (await live.health()).parked });
      expect(await rows()).toEqual(before);
    },
  );

  it('is done by one replica at a time', async () => {
    const held = () => database.query<object[]>(`select from pg_locks where locktype = 'advisory' and granted`);
    const before = (await held()).length;
    const obstacle = database.createQueryRunner();
    await obstacle.startTransaction();
    await obstacle.query('lock table tallies in access exclusive mode');
    const running = run();
    await until(held, (locks) => locks.length > before);
    await expect(run()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await obstacle.rollbackTransaction();
    await obstacle.release();
    await running;
  });

  it('leaves nothing behind when it is stopped, and nothing for long when its session is cut', async () => {
    const before = await rows();
    const stop = new AbortController();
    const stopped = run({ signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
    await expect(stopped).rejects.toThrow('stopped');
    expect(await leftovers()).toEqual([]);
    const cut = run({
      verify: true,
      onProgress: ({ phase }) => {
        if (phase !== 'comparing') return;
        void database.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
          and database = (select oid from pg_database where datname = current_database())
          and pid in (select pid from pg_stat_activity where usename = current_user)`);
      },
    });
    await cut.catch(() => undefined);
    await until(
      () => dropLeftovers(database, tallies).then(leftovers),
      (left) => left.length === 0,
    );
    expect(await rows()).toEqual(before);
    expect((await run()).drift.rows).toEqual([]);
  });

  it('gives an event that was parked another try', async () => {
    const id = await counted(1);
    const { parked } = await live.health();
    await database.query(
      `insert into parked_events values ('tallies', $1, $2, 'Counted', '1', 'it could not be applied')`,
      [randomUUID(), `tally-${id}`],
    );
    await run({ verify: true });
    expect((await live.health()).parked).toBe(parked + 1);
    await run();
    expect((await live.health()).parked).toBe(parked);
  });

  it('puts aside the events of a stream whose id no row can have, as the live view does', async () => {
    const strange = `no-uuid-${randomUUID().slice(0, 4)}`;
    const before = (await live.health()).parked;
    await live.reached((await count(strange)).position);
    await live.reached((await count(strange)).position);
    const { parked } = await live.health();
    expect(parked).toBe(before + 2);
    expect(await run()).toMatchObject({ parked, drift: { rows: [] } });
  });
});
