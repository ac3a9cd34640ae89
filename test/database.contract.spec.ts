import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { Feed } from '#eventstore/feed.js';
import { Projector } from '#eventstore/projector.js';
import { databaseOptions, openDatabase } from '#service/database.js';
import { logger } from '#service/logger.js';
import { prepared } from '#service/prepared.js';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { provision, schemas } from '../apps/supervisor/src/provision.js';
import { BellRow, bells, Bells1700000000001, ring } from './bells.js';
import { behindProxy, type TcpProxy } from './tcp-proxy.js';

/** Longer than any question of the running service may take. */
class Slow1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table slowly_made as select pg_sleep(3)::text as slept');
  }

  down = () => Promise.resolve();
}

class Loud1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table bells add column loud boolean');
  }

  down = () => Promise.resolve();
}

class Late1700000000004 implements MigrationInterface {
  up = () => Promise.resolve();
  down = () => Promise.resolve();
}

let stack: Stack;
let client: EventStoreDBClient;
let proxy: TcpProxy;
let database: DataSource;
const silent = { warn: () => undefined, error: () => undefined };

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'], servers: 'local' });
  client = connectEventStore(stack.run().eventstore.url);
  const through = await behindProxy(stack.run().databases['audit']!);
  proxy = through.proxy;
  const tables = { entities: [Checkpoint, ParkedEvent, BellRow], migrations: [Bells1700000000001, Slow1700000000002] };
  database = await openDatabase(databaseOptions(through.url, tables));
});

afterEach(() => proxy.restore());

afterAll(async () => {
  await database.destroy();
  proxy.close();
  await client.dispose();
  await stack.stop();
});

describe('the database of a service', () => {
  it('is brought up to date however long that takes, and then has little patience', async () => {
    expect(await database.query('select slept from slowly_made')).toEqual([{ slept: '' }]);
    await expect(database.query('select pg_sleep(3)')).rejects.toThrow(/timeout/);
  });

  it('is there again at once when its connections have fallen silent: views move, and questions are answered', async () => {
    const projector = new Projector({ dataSource: database, log: silent }, bells);
    const feed = new Feed(client, [projector]);
    feed.start();
    const id = randomUUID();
    await projector.reached((await ring(client, id)).position);
    const few = Array.from({ length: 4 }, () => database.query('select pg_sleep(0.1)'));
    await Promise.all(few);
    proxy.strand();
    const { position } = await ring(client, id);
    const shown = async () => {
      await projector.reached(position);
      return database.getRepository(BellRow).findOneBy({ id });
    };
    expect(await until(shown, (row) => row !== null, 12_000)).toEqual({ id, n: 2 });
    await feed.stop();
  });

  it('answers also while a newer replica changes its tables', async () => {
    const id = randomUUID();
    await database.query('insert into bells values ($1, 7)', [id]);
    const byId = prepared(database, 'bell_by_id', 'select * from bells where id = $1');
    expect(await byId([id])).toEqual([{ id, n: 7 }]);
    await database.query('alter table bells add column tone text');
    expect(await byId([id])).toEqual([{ id, n: 7, tone: null }]);
    await database.query('alter table bells drop column tone');
  });

  it('says what it is brought up to date with, before and after, and nothing when it is', async () => {
    const info = jest.spyOn(logger, 'info');
    const tables = { entities: [], migrations: [Late1700000000004] };
    const migrated = async () =>
      (await openDatabase(databaseOptions(stack.run().databases['audit']!, tables))).destroy();
    await migrated();
    const said = info.mock.calls.map((call: unknown[]) => call);
    await migrated();
    expect(info).toHaveBeenCalledTimes(2);
    info.mockRestore();
    const names = { migrations: ['Late1700000000004'] };
    expect(said).toEqual([
      [names, expect.stringContaining('are brought up to date')],
      [names, 'the tables are up to date'],
    ]);
  });

  it('is not held up by a migration that waits for a table in use, which comes true later', async () => {
    const tables = { entities: [], migrations: [Loud1700000000003] };
    const migrated = () => openDatabase(databaseOptions(stack.run().databases['audit']!, tables));
    const user = database.createQueryRunner();
    await user.startTransaction();
    await user.query('select n from bells');
    const refused = expect(migrated()).rejects.toThrow(/lock timeout/);
    const waits = `select 1 from pg_locks where not granted and relation = 'bells'::regclass`;
    await until(
      () => database.query<object[]>(waits),
      (rows) => rows.length > 0,
    );
    await database.query('select n from bells');
    await refused;
    await user.commitTransaction();
    await user.release();
    await (await migrated()).destroy();
    expect(await database.query('select loud from bells where false')).toEqual([]);
    await database.query('alter table bells drop column loud');
  });

  const adminUrl = () => {
    const url = new URL(stack.run().databases['audit']!);
    url.username = url.pathname = 'postgres';
    url.password = readFileSync(join(stack.dataDir, 'secrets', 'postgres-admin'), 'utf8').trim();
    return url.href;
  };

  it('is made ready by several machines that start at the same instant', async () => {
    const { databases } = stack.run();
    const passwords = Object.fromEntries(schemas.map((schema) => [schema, new URL(databases[schema]!).password]));
    await Promise.all(Array.from({ length: 8 }, () => provision(adminUrl(), passwords)));
  });

  it('keeps the passwords of parts that run elsewhere when another stack is pointed at it', async () => {
    const { databases, eventstore } = stack.run();
    const env = { DATABASE_URL: adminUrl(), EVENTSTORE_URL: eventstore.url };
    const other = await startStack({ parts: ['nats', 'key'], servers: 'local', env });
    const made = Object.keys(other.run().databases);
    await other.stop();
    expect(made).toEqual(['key']);
    for (const schema of ['eventstore', 'connection']) {
      await (await new DataSource({ type: 'postgres', url: databases[schema]! }).initialize()).destroy();
    }
  });
});
