import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { Context } from '#contracts/envelope.js';
import { StreamNotFoundError } from '#eventstore/client.js';
import { sealWith } from '#eventstore/personal-text.js';
import { type KeyName, nameOf, type NewKey, type SubjectKeys } from '#eventstore/subject-keys.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { ConnectionFolds } from './connection-folds.js';
import { Connections } from './connections.service.js';
import { KnownConnections } from './known-connections.js';
import type { WebhookSecrets } from './webhook-secrets.js';

const LONG = 9_000;
const tenant = newTenant();
const created = { ...tenant, id: 'c', short_id: 'abcdefgh', server_id: 'asaas', auth_type: 'api_key', user_id: 'u' };

interface Appended {
  id: string;
  type: string;
  data: object;
}

/** As many of the heaviest events as a service can have in memory while others read as well. */
const MOST_AT_ONCE = 500;

/** One stream in memory, of which no single read may take too much. */
class FakeEvents {
  readonly stream: Appended[] = [
    { id: '0', type: 'ConnectionCreated', data: { ...created, credential_version: 1, connection_metadata: {} } },
    ...Array.from({ length: LONG }, (_, n) => ({ id: String(n + 1), type: 'CredentialAccessed', data: {} })),
  ];
  read = 0;
  /** How long each read takes. */
  readMs = 0;
  createdAt: (revision: number) => string = () => new Date().toISOString();

  *readStream(name: string, { fromRevision, maxCount = Infinity }: { fromRevision: unknown; maxCount?: number }) {
    if (name !== 'connection-c') throw new StreamNotFoundError(undefined, name);
    const from = typeof fromRevision === 'bigint' ? Number(fromRevision) : 0;
    const events = this.stream.slice(from, from + maxCount);
    if (events.length > MOST_AT_ONCE) throw new Error('DEADLINE_EXCEEDED');
    clock += this.readMs;
    for (const [n, { data, ...event }] of events.entries()) {
      this.read += 1;
      const place = { streamId: name, revision: BigInt(from + n), isJson: true, metadata: {} };
      const created = new Date(this.createdAt(from + n));
      yield { event: { ...event, data: { ...data }, ...place, created } };
    }
  }

  appendToStream(_: string, events: Appended[], { expectedRevision }: { expectedRevision: bigint }) {
    expect(expectedRevision).toBe(BigInt(this.stream.length - 1));
    this.stream.push(...events);
    return Promise.resolve({ position: { commit: 7n, prepare: 7n } });
  }
}

let clock: number;
let context: Context;
beforeEach(() => {
  clock = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
  context = contextFor(tenant);
});
afterEach(() => void jest.restoreAllMocks());

function world() {
  const events = new FakeEvents();
  const keys = { erased: 0, erasures: () => Promise.resolve(keys.erased) };
  const store = { client: events, subjectKeys: keys } as unknown as Store;
  const folds = new ConnectionFolds(store);
  const connections = new Connections(store, folds);
  return { events, keys, connections, known: new KnownConnections(store, {} as WebhookSecrets, folds) };
}

/** From here on text is sealed; answers with the keys that were made for it. */
function sealIn(events: FakeEvents): NewKey[] {
  const made: NewKey[] = [];
  const bytes = Buffer.alloc(32);
  const keys = {
    make: (key: NewKey) => Promise.resolve(made.push(key) && bytes),
    find: (names: KeyName[]) => Promise.resolve(new Map(names.map((name) => [nameOf(name), bytes]))),
  };
  sealWith(events as never, keys as unknown as SubjectKeys);
  return made;
}

it('a long stream is read once', async () => {
  const { events, connections, known } = world();
  expect(await connections.find('c')).toMatchObject({ state: 'connected', credential_version: 1 });
  expect(events.read).toBe(LONG + 1);
  expect(await known.get('c')).toMatchObject({ revision: BigInt(LONG), view: { id: 'c' } });
  await connections.versionAt({ ...tenant, server_id: 'asaas', user_id: 'u' }, 'c');
  expect(events.read).toBeLessThan(2 * LONG);
});

it('a short stream too is read once, as its events may be heavy', async () => {
  const { events, connections } = world();
  events.stream.splice(100);
  sealIn(events);
  const merge = (n: number) => ({ type: 'MergeMetadata', changes: { n }, now: '2026-01-01T12:00:00.000Z' }) as const;
  for (let n = 1; n <= 3; n++) {
    await connections.readAny(tenant, 'c');
    await connections.command('c', merge(n), contextFor(tenant));
  }
  expect((await connections.readAny(tenant, 'c')).connection_metadata).toEqual({ n: 3 });
  expect(events.read).toBe(103);
});

it('a reader whose time has run out goes on from there when it is asked again', async () => {
  const { events, known } = world();
  const start = clock;
  events.readMs = 450;
  await expect(known.get('c')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(clock - start).toBe(3_150);
  await expect(known.get('c')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await known.get('c')).toMatchObject({ revision: BigInt(LONG) });
  expect(events.read).toBe(LONG + 1);
});

it('a connection with a long stream is revoked, once', async () => {
  const { events, connections } = world();
  const revoke = () =>
    connections.command('c', { type: 'Disconnect', reason: 'requested', now: '2026-01-01T12:00:00.000Z' }, context);
  const { view, repeated, position } = await revoke();
  expect([view.state, repeated, position]).toEqual(['revoked', false, '7']);
  expect(await revoke()).toMatchObject({
    view: { state: 'revoked' },
    repeated: true,
    decided: [{ reason: 'requested' }],
  });
  expect(events.stream).toHaveLength(LONG + 2);
});

it('new text in a long stream is sealed under the key that follows on its erasures', async () => {
  const { events, connections } = world();
  events.stream[5] = { id: '5', type: 'PersonalTextErased', data: { key_number: 0 } };
  const made = sealIn(events);
  const merge = { type: 'MergeMetadata', changes: { a: 1 }, now: '2026-01-01T12:00:00.000Z' } as const;
  const { view } = await connections.command('c', merge, context);
  expect(view.connection_metadata).toEqual({ a: 1 });
  expect(made).toEqual([{ ...tenant, stream: 'connection-c', number: 1, owner: 'u' }]);
});

it('as it was then is read in parts, and goes on where the time ran out', async () => {
  const { events, connections } = world();
  const end = { type: 'ConnectionDisconnected', data: { reason: 'requested', at: '2026-01-03T00:00:00.000Z' } };
  events.stream.push({ id: 'end', ...end });
  events.createdAt = (n) =>
    n > LONG ? '2026-01-03T00:00:00.004Z' : n > 5_000 ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z';
  const at = async (time: string) => (await connections.past(tenant, 'c', { time })).state;
  expect(await at('2026-01-01T00:00:00.000Z')).toBe('connected');
  expect(events.read).toBe(5_500);
  expect(await at('2026-01-02T23:59:59.999Z')).toBe('connected');
  expect(await at('2026-01-03T00:00:00.000Z')).toBe('revoked');
  await expect(at('2025-12-31T00:00:00.000Z')).rejects.toMatchObject({ code: 'NOT_FOUND' });

  events.readMs = 450;
  const outcomes: string[] = [];
  for (let n = 0; n < 3; n++)
    outcomes.push(await at('2026-02-01T00:00:00.000Z').catch((error: { code: string }) => error.code));
  expect(outcomes).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'revoked']);
});

it('as it was lately is told from what is remembered', async () => {
  const { events, connections } = world();
  await connections.find('c');
  events.read = 0;
  expect(await connections.past(tenant, 'c', { time: new Date(clock + 3_600_000).toISOString() })).toMatchObject({
    id: 'c',
  });
  expect(events.read).toBeLessThan(2_000);
});

it.each([
  ['as it was then', { time: '2026-01-01T00:00:00.000Z' }],
  ['as it is now', undefined],
])('as it was then shows no text that another replica has erased, though it was read %s before', async (_, known) => {
  const { events, keys, connections } = world();
  const moment = { time: '2026-01-01T00:00:00.000Z' };
  const change = (note: string) => ({ id: '1', type: 'MetadataChanged', data: { connection_metadata: { note } } });
  events.stream[1] = change('Ada');
  events.createdAt = (n) => (n > LONG ? '2026-01-02T00:00:00Z' : moment.time);
  expect(await (known ? connections.past(tenant, 'c', known) : connections.find('c'))).toMatchObject({
    connection_metadata: { note: 'Ada' },
  });
  events.stream[1] = change('');
  events.stream.push({ id: 'erased', type: 'PersonalTextErased', data: { key_number: 0 } });
  keys.erased = 1;
  expect((await connections.past(tenant, 'c', moment)).connection_metadata).toEqual({ note: '' });
});

describe('what is remembered of connections with as much metadata as they may have', () => {
  /** As many short streams as anybody asks for. */
  function heavy() {
    const reads: string[] = [];
    function* readStream(streamId: string, { fromRevision }: { fromRevision: unknown }) {
      if (typeof fromRevision === 'bigint') return;
      reads.push(streamId);
      const data = { ...created, connection_metadata: { note: 'Ada'.padEnd(32_000) }, at: '2026-01-01T12:00:00.000Z' };
      const place = { id: randomUUID(), streamId, revision: 0n, created: new Date(), position: { commit: 5n } };
      yield { event: { ...place, type: 'ConnectionCreated', data, isJson: true, metadata: {} } };
    }
    return { reads, folds: new ConnectionFolds({ client: { readStream } } as unknown as Store) };
  }
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `c${n}`);

  it.each([
    [500, 'once', 1],
    [1_100, 'again', 2],
  ])('is what its weight allows: of %d, the first is read %s', async (count, _, times) => {
    const { reads, folds } = heavy();
    for (const id of [...ids(count), 'c0']) await folds.read(id);
    expect(reads.filter((name) => name === 'connection-c0')).toHaveLength(times);
  });

  it('is no text that nobody reads', async () => {
    const { last, roots } = await heavy().folds.read('c');
    expect([last?.commit, roots]).toMatchObject([5n, [{ event: { ...tenant, user_id: 'u' } }]]);
    expect(inspect([last, roots], { depth: null })).not.toContain('Ada');
  });
});

it('one that nobody has written is none', async () => {
  expect(await world().connections.find('d')).toBeNull();
});

it('what was read is forgotten with its texts', async () => {
  const { events, connections, known } = world();
  await connections.find('c');
  known.forgetText('c');
  await connections.find('c');
  expect(events.read).toBe(2 * (LONG + 1));
});

it('nor is kept what was being read when its texts were erased', async () => {
  const { events, known } = world();
  const reading = known.get('c');
  known.forgetText('c');
  await reading;
  events.read = 0;
  await known.get('c');
  expect(events.read).toBe(LONG + 1);
});

it.each([
  ['now', undefined],
  ['then', { time: '2026-01-01T00:00:00.000Z' }],
])('but it is kept as it is %s when the texts of another connection are erased meanwhile', async (_, moment) => {
  const { events, connections, known } = world();
  events.readMs = 3_000;
  events.createdAt = () => '2026-01-01T00:00:00.000Z';
  const read = () => (moment ? connections.past(tenant, 'c', moment) : connections.find('c'));
  for (let isRead = false, tries = 0; !isRead && tries < 99; tries++) {
    const reading = read().then(
      () => true,
      () => false,
    );
    known.forgetText('d');
    isRead = await reading;
  }
  expect(events.read).toBe(LONG + 1);
});
