import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { PublishedEvent } from '#contracts/published-event.js';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import type { Bus } from '#service/bus.js';
import { databaseOptions, openDatabase } from '#service/database.js';
import type { Store } from '#service/store.js';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { AuditEntryRow } from '../apps/audit/src/audit-entry.entity.js';
import { migrations } from '../apps/audit/src/migrations/index.js';
import { News } from '../apps/audit/src/news.js';
import { PublishEvents } from '../apps/audit/src/publish-events.js';
import { behindProxy, type TcpProxy } from './tcp-proxy.js';

const entities = [Checkpoint, ParkedEvent, AuditEntryRow];

interface Replica {
  database: DataSource;
  publisher: PublishEvents;
  said: string[];
}

let stack: Stack;
let proxy: TcpProxy;
const replicas: Replica[] = [];

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'], servers: 'local' });
  const direct = stack.run().databases['audit']!;
  const through = await behindProxy(direct);
  proxy = through.proxy;
  for (const url of [through.url, direct]) replicas.push(await replica(url));
});

afterAll(async () => {
  for (const { publisher } of replicas) await publisher.onApplicationShutdown();
  proxy.close();
  for (const { database } of replicas) await database.destroy();
  await stack.stop();
});

/** One that has no event store and no bus: its entries are rows, and what it says is heard here. */
async function replica(url: string): Promise<Replica> {
  const database = await openDatabase(databaseOptions(url, { entities, migrations }));
  const said: string[] = [];
  const publishAll = (messages: { data: object }[]) => {
    said.push(...messages.map(({ data }) => (data as PublishedEvent).position));
    return Promise.resolve();
  };
  const publisher = new PublishEvents({ dataSource: database } as Store, { publishAll } as unknown as Bus, new News());
  return { database, publisher, said };
}

/** An entry of the timeline at this position. */
async function happens(position: string): Promise<void> {
  const text = ['type', 'at', 'subject_kind', 'actor_type', 'actor_id', 'actor_name', 'request_id', 'correlation_id'];
  const names = [...text, 'causation_id', 'project_id', 'environment', 'subject_id', 'hash'];
  await replicas[1]!.database.query(
    `insert into audit_entries (position, id, data, seq, ${names.join(', ')})
     values ($1, $2, '{}', $1, 'UserCreated', '', 'user'${`, 'x'`.repeat(names.length - 3)})`,
    [position, randomUUID()],
  );
}

describe('the publisher of events', () => {
  it('gives way within seconds when its database hears nothing from it any more', async () => {
    const [first, second] = replicas as [Replica, Replica];
    first.publisher.onApplicationBootstrap();
    const begun = `select 1 from checkpoints where "view" = 'bus_events'`;
    await until(
      () => first.database.query<object[]>(begun),
      ({ length }) => length === 1,
    );
    second.publisher.onApplicationBootstrap();
    await happens('1000');
    await until(
      () => Promise.resolve(first.said),
      (said) => said.includes('1000'),
    );
    expect(second.said).toEqual([]);
    proxy.silence();
    await happens('2000');
    await until(
      () => Promise.resolve(second.said),
      (said) => said.includes('2000'),
      16_000,
    );
    expect(first.said).toEqual(['1000']);
  });
});
