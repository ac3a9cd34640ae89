import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessDeniedError,
  CancelledError,
  type EventStoreDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ResolvedEvent,
  START,
  streamNameFilter,
  TimeoutError,
  UnavailableError,
} from '@eventstore/db-client';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { BatchAppendReq, ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { credentials, status } from '@grpc/grpc-js';
import { Client } from 'pg';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { startStack, type Stack } from '#testing/stack.js';
import { all, event, events, loginOf, numberOf, numbers, range, reason, unique, until } from './event-store-client.js';

/** What only our own server promises, or what only a server can show that may be killed. */
const main = join(__dirname, '../dist/apps/eventstore-embedded/src/main.js');

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'], servers: 'local' });
});
afterAll(() => stack.stop());

interface RunningServer {
  child: ChildProcess;
  url: string;
  exit: Promise<number | NodeJS.Signals>;
}
const password = 'a-test-password';
const children: ChildProcess[] = [];
const clients: EventStoreDBClient[] = [];

/** Runs the server as the supervisor does; resolves when it serves or has ended. */
async function start(env: NodeJS.ProcessEnv = {}): Promise<RunningServer> {
  const own = { DATABASE_URL: stack.run().databases.eventstore, EVENTSTORE_PASSWORD: password, LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, [main], { env: { ...process.env, ...own, ...env }, stdio: 'pipe' });
  children.push(child);
  const exit = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  const [line = ''] = (await Promise.race([once(child.stdout, 'data'), exit.then(() => [])])) as unknown[];
  const port = /^listening (\d+)\n$/.exec(String(line))?.[1] ?? '';
  return { child, url: `esdb://admin:${password}@127.0.0.1:${port}?tls=false`, exit };
}

function connect(url: string): EventStoreDBClient {
  const client = signedInClient(url);
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

async function query(sql: string) {
  const database = new Client({ connectionString: stack.run().databases.eventstore });
  await database.connect();
  try {
    return (await database.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await database.end();
  }
}

describe('a server that is killed', () => {
  it('has lost nothing, and subscribers go on where they were', async () => {
    const prefix = unique('killed');
    const filter = streamNameFilter({ prefixes: [prefix] });
    const first = await start();
    const before = connect(first.url);
    await before.appendToStream(prefix, events(3));
    const seen: ResolvedEvent[] = [];
    const broken = before
      .subscribeToAll({ fromPosition: START, filter })
      .on('data', (resolved: ResolvedEvent) => seen.push(resolved));
    await until(() => seen.length === 3);
    first.child.kill('SIGKILL');
    expect(await reason(once(broken, 'end'))).toBeInstanceOf(UnavailableError);
    const after = connect((await start()).url);
    const batch = [event(3), event(4)];
    await after.appendToStream(prefix, batch, { expectedRevision: 2n });
    const again = after.subscribeToAll({ fromPosition: seen.at(-1)?.event?.position, filter });
    again.on('data', (resolved: ResolvedEvent) => seen.push(resolved));
    await until(() => seen.length === 5);
    expect(seen.map(numberOf)).toEqual(range(0, 4));
    expect(await numbers(after.readStream(prefix))).toEqual(range(0, 4));
  });

  it.each(['any', 'no_stream'] as const)('still knows a repeat under %s', async (expectedRevision) => {
    const stream = unique('repeat');
    const batch = events(3);
    const first = await start();
    const written = await connect(first.url).appendToStream(stream, batch, { expectedRevision });
    first.child.kill('SIGKILL');
    const client = connect((await start()).url);
    expect(await client.appendToStream(stream, batch, { expectedRevision })).toEqual(written);
    expect(await numbers(client.readStream(stream))).toEqual([0, 1, 2]);
  });

  it('still knows which streams are deleted, and what their metadata says', async () => {
    const [deleted, tombstoned, short] = [unique('deleted'), unique('tombstoned'), unique('short')];
    const first = await start();
    const before = connect(first.url);
    for (const stream of [deleted, tombstoned, short]) await before.appendToStream(stream, events(5));
    await before.deleteStream(deleted);
    await before.tombstoneStream(tombstoned);
    await before.setStreamMetadata(short, { maxCount: 2 });
    first.child.kill('SIGKILL');
    const client = connect((await start()).url);
    expect(await reason(all(client.readStream(deleted)))).toMatchObject({ type: 'stream-not-found' });
    expect(await reason(all(client.readStream(tombstoned)))).toMatchObject({ type: 'stream-deleted' });
    expect(await numbers(client.readStream(short))).toEqual([3, 4]);
    const revived = await client.appendToStream(deleted, event('new'));
    expect(revived.nextExpectedRevision).toBe(5n);
  });
});

describe('a server that is asked to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s answers what it has taken, ends subscriptions and exits',
    async (signal) => {
      const server = await start();
      const client = connect(server.url);
      const stream = unique('stopped');
      await client.appendToStream(stream, event(0));
      const subscription = client.subscribeToAll();
      await once(subscription.resume(), 'caughtUp');
      const ended = reason(once(subscription, 'end'));
      const writes = range(1, 50).map((n) => client.appendToStream(unique('stopped'), event(n)));
      server.child.kill(signal);
      const results = await Promise.allSettled(writes);
      expect(await ended).toBeInstanceOf(CancelledError);
      expect(await server.exit).toBe(0);
      const [stored] = await query(`select count(*)::int from es_events where stream like 'stopped-%'`);
      expect(stored?.count).toBeGreaterThan(results.filter(({ status }) => status === 'fulfilled').length);
    },
  );

  it('exits when the supervisor that started it is gone', async () => {
    const server = await start({ SUPERVISED: '1' });
    server.child.stdin?.end();
    expect(await server.exit).toBe(0);
  });
});

describe('the one writer', () => {
  it('begins neither beside another one on the same database nor without a database', async () => {
    const first = connect((await start()).url);
    const elsewhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const [second, lost] = await Promise.all([start(), start(elsewhere)]);
    expect(await Promise.all([second.exit, lost.exit])).toEqual([1, 1]);
    await expect(first.appendToStream(unique('one'), event())).resolves.toMatchObject({ success: true });
  });

  it('ends at once when its session is lost, for another may be writing', async () => {
    const server = await start();
    await query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'`);
    expect(await server.exit).toBe(1);
  });

  it('knows streams by looking them up, also far more than it keeps in memory', async () => {
    await query(`
      insert into es_events
      select 1000000000000 + n, 'many-' || n, 0, gen_random_uuid(), 'T', true, 0, '{"n":7}', '' from generate_series(1, 200000) n`);
    const client = connect((await start()).url);
    const one = await client.appendToStream('many-123456', event('next'), { expectedRevision: 0n });
    expect(one.position?.commit).toBeGreaterThan(1_000_000_200_000n);
    expect(await numbers(client.readStream('many-123456'))).toEqual([7, 'next']);
    expect(await reason(client.appendToStream('many-7', event(), { expectedRevision: 'no_stream' }))).toMatchObject({
      type: 'wrong-expected-version',
      actualVersion: 0n,
    });
  });
});

describe('a subscriber that is too slow', () => {
  /** A live subscriber that stops reading while far more is written than the server keeps at hand. */
  async function slowSubscriber(env: NodeJS.ProcessEnv) {
    const client = connect((await start({ EVENTSTORE_TAIL_EVENTS: '50', ...env })).url);
    const prefix = unique('slow');
    const subscription = client.subscribeToAll({
      fromPosition: 'end',
      filter: streamNameFilter({ prefixes: [prefix] }),
    });
    const seen: unknown[] = [];
    subscription.on('data', (resolved: ResolvedEvent) => seen.push(numberOf(resolved)));
    await once(subscription, 'caughtUp');
    const failed = new Promise((resolve) => subscription.once('error', resolve));
    const behind = new Promise<string>((resolve) => subscription.once('fellBehind', () => resolve('fell behind')));
    subscription.pause();
    const padding = 'x'.repeat(10_000);
    for (let from = 0; from < 1_000; from += 50) {
      const batch = range(from, from + 49).map((n) => ({ ...event(n), data: { n, padding } }));
      await client.appendToStream(prefix, batch);
    }
    subscription.resume();
    return { seen, failed, behind };
  }

  it('falls behind and catches up again, missing nothing', async () => {
    const { seen, behind } = await slowSubscriber({});
    expect(await behind).toBe('fell behind');
    await until(() => seen.length === 1_000);
    expect(seen).toEqual(range(0, 999));
  });

  it('is dropped when the server is told to behave like that', async () => {
    const { failed } = await slowSubscriber({ EVENTSTORE_DROP_SLOW_CONSUMERS: 'true' });
    const error = await failed;
    expect(error).toBeInstanceOf(TimeoutError);
    expect(String(error)).toContain('Consumer too slow');
  });
});

describe('a message that makes no sense', () => {
  it('ends its call and nothing else', async () => {
    const { url } = await start();
    const raw = new StreamsClient(new URL(url.replace('esdb:', 'http:')).host, credentials.createInsecure());
    const batch = raw.batchAppend(loginOf(url)).on('data', () => undefined);
    batch.write(new BatchAppendReq().setIsFinal(true));
    expect(await reason(once(batch, 'end'))).toMatchObject({ code: status.INVALID_ARGUMENT });
    const read = raw.read(new ReadReq(), loginOf(url)).on('data', () => undefined);
    expect(await reason(once(read, 'end'))).toMatchObject({ code: status.INVALID_ARGUMENT });
    raw.close();
    await expect(connect(url).appendToStream(unique('sane'), event())).resolves.toMatchObject({ success: true });
  });
});

describe('what is not implemented', () => {
  it('is refused: the deletion of metadata, which goes on to hold', async () => {
    const client = connect((await start()).url);
    const stream = unique('meta');
    await client.appendToStream(stream, events(3));
    await client.setStreamMetadata(stream, { maxCount: 1 });
    await expect(client.deleteStream(`$$${stream}`)).rejects.toBeInstanceOf(AccessDeniedError);
    await expect(client.tombstoneStream(`$$${stream}`)).rejects.toBeInstanceOf(AccessDeniedError);
    expect(await numbers(client.readStream(stream))).toEqual([2]);
  });

  it('says so of subscriptions that are kept by the server', async () => {
    const client = connect((await start()).url);
    const created = client.createPersistentSubscriptionToStream(
      'a',
      'group',
      persistentSubscriptionToStreamSettingsFromDefaults(),
    );
    expect(await reason(created)).toMatchObject({ code: 12 });
  });
});

it('names a LOG_LEVEL that is none, and is not started again for it', () => {
  const env = { ...process.env, LOG_LEVEL: 'verbose' };
  const { status, stderr } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([78, expect.stringMatching(/^LOG_LEVEL: .*\n$/)]);
});
