import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { readStreamAsOf } from '#eventstore/as-of.js';
import { readStream } from '#eventstore/read-stream.js';
import type { Bus } from '#service/bus.js';
import { Store } from '#service/store.js';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { event, events, reason, unique } from './event-store-client.js';
import { behindProxy, type TcpProxy } from './tcp-proxy.js';

let stack: Stack;
let proxy: TcpProxy;
let client: EventStoreDBClient;
let database: DataSource;
let store: Store;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'] });
  const through = await behindProxy(stack.run().eventstore.url);
  proxy = through.proxy;
  client = connectEventStore(through.url);
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['audit']! }).initialize();
  store = new Store(client, database, { alive: () => Promise.resolve(true), serverVersion: '2' } as unknown as Bus);
});
afterEach(() => proxy.restore());
afterAll(async () => {
  await client?.dispose();
  proxy?.close();
  await database?.destroy();
  await stack?.stop();
});

it.each([
  ['a stream', (stream: string) => readStream(client, stream)],
  ['a moment', (stream: string) => readStreamAsOf(client, stream, { position: '1' })],
])('a read of %s from a store that has fallen silent is over by its deadline', async (_, read) => {
  const stream = unique('silent');
  await client.appendToStream(stream, event());
  proxy.silence();
  const error = await reason(read(stream));
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    cause: { message: expect.stringContaining('DEADLINE_EXCEEDED') },
  });
  proxy.restore();
  expect((await readStream(client, stream)).events).toHaveLength(1);
});

it('a connection that is taken and not answered is given up, and the next one made', async () => {
  const stream = unique('taken');
  await client.appendToStream(stream, event());
  proxy.cut();
  proxy.silence();
  const read = () => readStream(client, stream).catch((error: Error) => error);
  await until(read, (answer) => /DEADLINE_EXCEEDED|no answer/.test(String((answer as Error).cause)), 30_000);
  proxy.strand();
  expect(await until(read, (answer) => !(answer instanceof Error), 30_000)).toMatchObject({ events: [{}] });
});

it('a service says that it is without the event store, long before the connection is given up', async () => {
  expect(await store.health()).toMatchObject({ parts: { eventstore: 'up' } });
  proxy.silence();
  const givenUp = reason(readStream(client, unique('silent')));
  const said = store.health().then(({ parts }) => parts);
  expect(await Promise.race([said, givenUp])).toEqual({ database: 'up', eventstore: 'down', bus: 'up' });
  await givenUp;
});

it('a stream that is longer than one read is read whole, or as much of it as is asked for', async () => {
  const stream = unique('long');
  await client.appendToStream(stream, events(4_000));
  await client.appendToStream(stream, events(500));
  const numbersOf = async (...stretch: [after?: bigint, atMost?: number]) =>
    (await readStream<{ type: string; n: number }>(client, stream, ...stretch)).events.map(({ revision }) =>
      Number(revision),
    );
  const all = Array.from({ length: 4_500 }, (_, n) => n);
  expect(await numbersOf()).toEqual(all);
  expect(await numbersOf(9n, 4_000)).toEqual(all.slice(10, 4_010));
  expect(await numbersOf(499n)).toEqual(all.slice(500));
  expect((await readStream(client, stream)).revision).toBe(4_499n);
});
