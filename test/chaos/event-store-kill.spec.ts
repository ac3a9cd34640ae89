import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  type EventStoreDBClient,
  jsonEvent,
  type RecordedEvent,
  type ResolvedEvent,
  START,
  streamNameFilter,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { Client } from 'pg';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { startStack, type Stack } from '#testing/stack.js';
import { until } from '../event-store-client.js';

/** Servers are killed without warning, one after another, each after so many more acknowledged appends. */
const KILLS = ['eventstore', 'postgres', 'eventstore', 'eventstore', 'postgres', 'eventstore'] as const;
const APPENDS_BETWEEN_KILLS = 400;
const WRITERS = 16;
const ANSWER_WITHIN_MS = 4_000;
const RETRY_MS = 20;

let stack: Stack;
let client: EventStoreDBClient;
beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'], servers: 'local' });
  client = signedInClient(stack.run().eventstore.url);
});
afterEach(() => void (writing = false));
afterAll(async () => {
  await client.dispose();
  await stack.stop();
});

/** What the writers were told, and whether they go on. */
const acknowledged = new Set<string>();
let appends = 0;
let retries = 0;
let writing = true;

type Batch = ReturnType<typeof jsonEvent>[];

/** Retries with the same ids and the same expectation until it is answered, as our services do. */
async function append(stream: string, batch: Batch, expectedRevision: 'any' | 'no_stream' | bigint): Promise<bigint> {
  for (;;) {
    try {
      const unknown = new AbortController();
      const late = sleep(ANSWER_WITHIN_MS, undefined, { signal: unknown.signal }).then(() => {
        throw new Error('no answer');
      });
      const answer = client.appendToStream(stream, batch, { expectedRevision });
      const { nextExpectedRevision } = await Promise.race([answer, late]).finally(() => unknown.abort());
      for (const { id } of batch) acknowledged.add(id);
      appends++;
      return nextExpectedRevision;
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) throw error;
      retries++;
      await sleep(RETRY_MS);
    }
  }
}

const batchOf = (count: number): Batch =>
  Array.from({ length: count }, (_, n) => jsonEvent({ id: randomUUID(), type: 'Happened', data: { n } }));

/** Even writers expect the exact revision of a stream of their own, odd ones any revision of a shared one. */
async function write(writer: string, isOwn: boolean): Promise<void> {
  let revision: 'no_stream' | bigint = 'no_stream';
  for (let n = 0; writing; n++) {
    const batch = batchOf(1 + (n % 3));
    if (!isOwn) {
      await append(`shared-${n % 7}`, batch, 'any');
      continue;
    }
    const next = await append(`own-${writer}`, batch, revision);
    expect(next).toBe((revision === 'no_stream' ? -1n : revision) + BigInt(batch.length));
    revision = next;
  }
}

interface Follower {
  seen: string[];
  stop(): Promise<void>;
}
type Follow = AsyncIterable<ResolvedEvent> & { unsubscribe(): Promise<void> };

/** A consumer that keeps its own checkpoint and subscribes again after whatever ends a subscription. */
function follow(subscribe: (last: RecordedEvent | undefined) => Follow, slowly = false): Follower {
  const seen: string[] = [];
  let last: RecordedEvent | undefined;
  let current: Follow | undefined;
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      try {
        for await (const { event } of (current = subscribe(last))) {
          if (!event) continue;
          last = event;
          seen.push(event.id);
          if (slowly && seen.length % 500 === 0) await sleep(20);
        }
      } catch {
        await sleep(RETRY_MS);
      }
    }
  };
  const ended = run();
  const stop = async () => {
    stopped = true;
    await current?.unsubscribe();
    await ended;
  };
  return { seen, stop };
}

const after = (last: RecordedEvent | undefined) => last?.position;

const followers = () => ({
  all: follow((last) => client.subscribeToAll({ fromPosition: after(last) ?? START })),
  slow: follow((last) => client.subscribeToAll({ fromPosition: after(last) ?? START }), true),
  shared: follow((last) =>
    client.subscribeToAll({
      fromPosition: after(last) ?? START,
      filter: streamNameFilter({ prefixes: ['shared-'] }),
    }),
  ),
  stream: follow((last) => client.subscribeToStream('shared-3', { fromRevision: last?.revision ?? START })),
});

/** Kills the part and waits for the supervisor to have started another one. */
async function kill(part: (typeof KILLS)[number]): Promise<void> {
  const pid = () => stack.run().parts[part]?.pid;
  const killed = pid();
  stack.kill(part, 'SIGKILL');
  await until(() => pid() !== killed);
}

interface Row {
  id: string;
  stream: string;
  revision: number;
}

/** The witness: what is in the table. */
async function stored(): Promise<Row[]> {
  const database = new Client({ connectionString: stack.run().databases.eventstore });
  await database.connect();
  try {
    const sql = 'select event_id as id, stream, revision::int from es_events order by position';
    return (await database.query<Row>(sql)).rows;
  } finally {
    await database.end();
  }
}

function expectNoGaps(rows: Row[]): void {
  const next = new Map<string, number>();
  for (const { stream, revision } of rows) {
    expect({ stream, revision }).toEqual({ stream, revision: next.get(stream) ?? 0 });
    next.set(stream, revision + 1);
  }
}

it('loses nothing acknowledged, doubles nothing, and shows every subscriber everything once, in order', async () => {
  const watching = followers();
  writing = true;
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, n) => write(randomUUID(), n % 2 === 0)));
  for (const part of KILLS) {
    const goal = appends + APPENDS_BETWEEN_KILLS;
    await Promise.race([until(() => appends >= goal), writers]);
    await kill(part);
  }
  const goal = appends + APPENDS_BETWEEN_KILLS;
  await Promise.race([until(() => appends >= goal), writers]);
  writing = false;
  await writers;

  const rows = await stored();
  const ids = new Set(rows.map(({ id }) => id));
  expect(ids.size).toBe(rows.length);
  expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
  expectNoGaps(rows);
  expect(retries).toBeGreaterThan(0);

  const expected = (wanted: (row: Row) => boolean) => rows.filter(wanted).map(({ id }) => id);
  const truth = {
    all: expected(() => true),
    slow: expected(() => true),
    shared: expected(({ stream }) => stream.startsWith('shared-')),
    stream: expected(({ stream }) => stream === 'shared-3'),
  };
  for (const [name, follower] of Object.entries(watching)) {
    const wanted = truth[name as keyof typeof truth];
    await until(() => follower.seen.length >= wanted.length);
    await follower.stop();
    expect(follower.seen).toEqual(wanted);
  }
}, 240_000);
