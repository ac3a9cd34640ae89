import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jsonEvent } from '@eventstore/db-client';
import type { AuditEntry, AuditFilter, AuditNarrowing } from '#contracts/audit.js';
import { categories, type Category, categoryOf } from '#contracts/categories.js';
import { type Actor, type Context, metadataOf, type Page, type Tenant } from '#contracts/envelope.js';
import { platformConnectionId } from '#contracts/ids.js';
import type { KeyTerms } from '#contracts/key.js';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import { connectEventStore } from '#eventstore/client.js';
import type { Bus } from '#service/bus.js';
import { encodeCursor, listName } from '#service/cursor.js';
import { connectAs, contextFor, newTenant } from '#testing/callers.js';
import { newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { hasSummary } from '../apps/audit/src/summaries.js';
import { readAllEvents } from './chaos/invariants.js';
import { patiently } from './platform-caller.js';

const isCategory = (text: string): text is Category => Object.hasOwn(categories, text);
let bus: Bus;
const tenant = newTenant();
const robot: Actor = { type: 'api_key', id: '11111111-1111-5111-8111-111111111111', name: 'robot' };
/** What was done, in this order: three keys are created, the second one is revoked by the robot. */
const keys: KeyTerms[] = [];
const done: { context: Context; position: string }[] = [];

beforeAll(async () => {
  bus = await connectAs('gateway', sharedStack().run());
  for (let n = 0; n < 3; n++) {
    const terms = termsOf(tenant, `key ${n}`);
    keys.push(terms);
    const context = contextFor(tenant);
    done.push({ context, position: (await bus.ask('key.create', { context, terms })).position });
  }
  const context = contextFor(tenant, robot);
  done.push({ context, position: (await bus.ask('key.revoke', { context, id: keys[1]!.id })).position });
});

afterAll(() => bus.onApplicationShutdown());

const termsOf = (of: Tenant, name: string): KeyTerms => ({
  ...keyIdentity(newHouseholdKey()),
  ...of,
  kind: 'household',
  name,
  scopes: ['full_access'],
  actor_name: null,
  created_by: 'a test',
  expires_at: null,
});

const list = (filter: Partial<AuditFilter> = {}, of: Tenant = tenant): Promise<Page<AuditEntry>> =>
  bus.ask('audit.list', { context: contextFor(of), filter: { limit: 50, ...filter }, after: done.at(-1)!.position });

const idsOf = ({ items }: Page<AuditEntry>): string[] => items.map(({ subject }) => subject.id);

describe('the timeline', () => {
  it('shows every event once, newest first, as a person reads it', async () => {
    const { items, next_cursor } = await list();
    const [first, second, third] = keys.map((key) => key.id);
    expect(items.map(({ subject }) => subject.id)).toEqual([second, third, second, first]);
    expect(next_cursor).toBeNull();
    expect(items[0]).toEqual({
      position: done[3]!.position,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      type: 'KeyRevoked',
      subject: { kind: 'api_key', id: second, short_id: keys[1]!.short_id },
      actor: robot,
      label: null,
      summary: 'The API key was revoked.',
      request_id: done[3]!.context.request_id,
      origin: {
        address: null,
        key_prefix: null,
        correlation_id: done[3]!.context.request_id,
        causation_id: done[3]!.context.command_id,
      },
      data: { at: items[0]!.at },
      ...tenant,
    });
    expect(items[3]).toMatchObject({ type: 'KeyCreated', data: { name: 'key 0', key_prefix: keys[0]!.key_prefix } });
  });

  it('holds no secret and no hash of one', async () => {
    const text = JSON.stringify(await list());
    for (const { key_hash } of keys) expect(text).not.toContain(key_hash);
  });

  it('can be read oldest first', async () => {
    const newestFirst = (await list()).items.map((entry) => entry.id);
    const oldestFirst = (await list({ order: 'asc' })).items.map((entry) => entry.id);
    expect(oldestFirst).toEqual(newestFirst.reverse());
  });

  it.each(['asc', 'desc'] as const)('comes page by page without a gap (%s)', async (order) => {
    const whole = (await list({ order })).items;
    const paged: AuditEntry[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await list({ order, limit: 1, cursor });
      paged.push(...page.items);
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(whole);
  });

  it.each([
    'bogus',
    '',
    Buffer.from('1').toString('base64url'),
    encodeCursor(listName('audit_entries', tenant), '1; drop'),
    encodeCursor(listName('audit_entries', tenant), '9'.repeat(30)),
  ])('refuses the cursor %j', async (cursor) => {
    await expect(list({ cursor })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
  });

  it('goes on only from a place in the very same list', async () => {
    const cursor = (await list({ limit: 1 })).next_cursor!;
    for (const filter of [{ order: 'asc' as const }, { type: 'KeyCreated' }, { subject: keys[1]!.id }])
      await expect(list({ ...filter, cursor })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
    await expect(list({ cursor }, newTenant())).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
    expect((await list({ cursor })).items).toHaveLength(3);
  });

  it('narrows to a subject, by any of its ids', async () => {
    const { id, short_id } = keys[1]!;
    expect(idsOf(await list({ subject: id }))).toEqual([id, id]);
    expect(idsOf(await list({ subject: id.toUpperCase() }))).toEqual([id, id]);
    expect(idsOf(await list({ subject: short_id }))).toEqual([id, id]);
    expect(idsOf(await list({ subject: platformConnectionId(id) }))).toEqual([id, id]);
    expect(idsOf(await list({ subject: 'no such' }))).toEqual([]);
  });

  it('narrows to an actor by id or name, to a type, to a request', async () => {
    expect(idsOf(await list({ actor: robot.id }))).toEqual([keys[1]!.id]);
    expect(idsOf(await list({ actor: 'robot' }))).toEqual([keys[1]!.id]);
    expect(idsOf(await list({ type: 'KeyRevoked' }))).toEqual([keys[1]!.id]);
    expect(idsOf(await list({ request_id: done[2]!.context.request_id }))).toEqual([keys[2]!.id]);
    expect(idsOf(await list({ actor: 'robot', type: 'KeyCreated' }))).toEqual([]);
  });

  it('narrows to a time: from it on, and before it', async () => {
    const oldestFirst = (await list({ order: 'asc' })).items;
    const { at } = oldestFirst[1]!;
    const from = await list({ from: at, order: 'asc' });
    const before = await list({ to: at, order: 'asc' });
    expect(from.items.map((entry) => entry.id)).toContain(oldestFirst[1]!.id);
    expect([...before.items, ...from.items]).toEqual(oldestFirst);
  });

  it('shows nothing to another tenant', async () => {
    for (const stranger of [newTenant(), { ...tenant, environment: 'test' as const }]) {
      expect((await list({}, stranger)).items).toEqual([]);
      expect((await list({ subject: keys[0]!.id }, stranger)).items).toEqual([]);
    }
  });

  it('puts an event with the tenant of its subject', async () => {
    const other = newTenant('test');
    const terms: KeyTerms = { ...termsOf(other, 'elsewhere'), kind: 'platform', scopes: ['servers:read'] };
    const { position } = await bus.ask('key.create', { context: contextFor(tenant), terms });
    const entries = await bus.ask('audit.list', { context: contextFor(other), filter: { limit: 5 }, after: position });
    expect(idsOf(entries)).toEqual([terms.id]);
  });
});

describe('a refused API key', () => {
  const entriesOf = (id: string, type: string) => async () =>
    (await bus.ask('audit.list', { context: contextFor(tenant), filter: { limit: 50, subject: id, type } })).items;

  it('is on its own timeline: revoked, or only nearly right, counted and not one by one', async () => {
    const { api, key } = await newCaller(sharedStack().run(), 'full_access', tenant);
    const id = ((await api.get('/api/v1/keys/me')).body as { id: string }).id;
    const nearly = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');
    const wrong = await api.get('/api/v1/users', { 'x-api-key': nearly });
    await bus.ask('key.revoke', { context: contextFor(tenant), id });
    const refused = await Promise.all(Array.from({ length: 30 }, () => api.get('/api/v1/users')));
    expect([wrong, ...refused].map(({ status }) => status)).toEqual(Array<number>(31).fill(401));

    const entries = await until(entriesOf(id, 'KeyRefused'), ({ length }) => length === 2);
    const byReason = Object.fromEntries(entries.map((entry) => [entry.data['reason'], entry]));
    expect(byReason['mistyped']).toMatchObject({
      actor: { type: 'person', id: 'unknown' },
      request_id: wrong.headers.get('x-request-id'),
      origin: { address: expect.stringMatching(/127\.0\.0\.1|::1/), key_prefix: key.slice(0, 11) },
      data: { count: 1 },
    });
    const ids = refused.map(({ headers }) => headers.get('x-request-id'));
    expect(byReason['revoked']).toMatchObject({ actor: { type: 'api_key', id } });
    expect(ids).toContain(byReason['revoked']!.request_id);
    expect(JSON.stringify(entries)).not.toContain(nearly);
  });

  it('that is told of an hour later hides nothing from a stretch of time', async () => {
    const { api } = await newCaller(sharedStack().run(), 'full_access', tenant);
    const { id } = (await api.get('/api/v1/keys/me')).body as { id: string };
    const long = new Date(Date.now() - 3_600_000).toISOString();
    const uses = { key: { id }, reason: 'expired' as const, count: 2, first_at: long, last_at: long };
    const of = { address: '127.0.0.1', request_id: randomUUID(), command_id: randomUUID() };
    await bus.ask('key.refused', { uses: [{ ...uses, ...of }] });
    const [told] = await until(entriesOf(id, 'KeyRefused'), ({ length }) => length === 1);
    expect(told!.data).toMatchObject({ count: 2, last_at: long });
    const since = (ms: number) => new Date(Date.now() - ms).toISOString();
    const { body } = await api.get(`/api/v1/audit?subject=${id}&from=${since(300_000)}`);
    const types = (body['entries'] as AuditEntry[]).map(({ type }) => type);
    expect(types).toEqual(['KeyRefused', 'KeyCreated']);
  });
});

describe('an event that tells a wrong time', () => {
  const HOUR_MS = 3_600_000;
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

  it('hides no right one from a stretch of time, in list, stream and export', async () => {
    const { api, tenant: own } = await newCaller(sharedStack().run());
    const context = contextFor(own);
    const client = connectEventStore(sharedStack().run().eventstore.url);
    for (const at of [inMs(HOUR_MS), inMs(-HOUR_MS)]) {
      const data = { replay_id: randomUUID(), view: 'none', verify: true, at };
      const event = jsonEvent({ type: 'ViewReplayStarted', data, metadata: { ...metadataOf(context) } });
      await client.appendToStream(`view_replay-${randomUUID()}`, event);
    }
    await client.dispose();
    const { position } = await bus.ask('key.create', { context, terms: termsOf(own, 'later') });
    const shown = async (filter: Partial<AuditFilter>) =>
      (await bus.ask('audit.list', { context, filter: { limit: 50, order: 'asc', ...filter }, after: position })).items;
    const all = await shown({});
    expect(all.map(({ type }) => type)).toEqual(['KeyCreated', 'ViewReplayStarted', 'ViewReplayStarted', 'KeyCreated']);
    const cases: [AuditNarrowing, (at: string) => boolean][] = [];
    for (const time of [inMs(60_000), inMs(-60_000)]) {
      cases.push([{ to: time }, (at) => at < time], [{ from: time }, (at) => at >= time]);
    }
    for (const [filter, isWithin] of cases) {
      const right = all.filter(({ at }) => isWithin(at)).map(({ id }) => id);
      const { entries } = await bus.ask('audit.changes', { context, filter, since: '0', wait_ms: 0 });
      const { text } = await api.get(
        `/api/v1/audit/export?${new URLSearchParams(filter as Record<string, string>).toString()}`,
      );
      const exported = text
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditEntry);
      const answers = [await shown(filter), entries, exported].map((some) => some.map(({ id }) => id));
      expect({ filter, answers }).toEqual({ filter, answers: [right, right, right] });
    }
  });
});

describe('everything in the event store', () => {
  it('is in a stream of a category that is known, and what is shown has a sentence', async () => {
    const events = await readAllEvents(sharedStack().run().eventstore.url);
    expect(events.length).toBeGreaterThan(5);
    const nameless = events.filter(({ stream, event }) => {
      const category = categoryOf(stream);
      return !isCategory(category) || (categories[category] === 'shown' && !hasSummary(event.type));
    });
    expect(new Set(nameless.map(({ stream, event }) => `${event.type} of ${categoryOf(stream)}`))).toEqual(new Set());
  });
});

describe('entries with large texts', () => {
  const MANY = 100;
  const AT_ONCE = 5;

  it('are shown, followed and exported, as many at a time as the bus carries', async () => {
    const { key, api, tenant: owner } = await newCaller(sharedStack().run());
    const connection = (n: number) =>
      api.call(
        'POST',
        '/v1/connections',
        { server_id: 'asaas', user_id: `${n}`, secret: 's', connection_metadata: { note: 'x'.repeat(32_000) } },
        { authorization: `Bearer ${key}` },
      );
    for (let n = 0; n < MANY; n += AT_ONCE) {
      const made = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, next) => patiently(() => connection(n + next))),
      );
      expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
    }
    const type = 'ConnectionCreated';
    const shown: AuditEntry[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const { status, body } = await api.get(
        `/api/v1/audit?type=${type}&limit=200${cursor ? `&cursor=${cursor}` : ''}`,
      );
      expect(status).toBe(200);
      shown.push(...(body.entries as AuditEntry[]));
      cursor = body.next_cursor as string | null;
    }
    expect(new Set(shown.map(({ id }) => id)).size).toBe(MANY);
    let followed = 0;
    for (let since = '0'; followed < MANY;) {
      const watch = { context: contextFor(owner), filter: { type }, since, wait_ms: 0 };
      const { entries, position } = await bus.ask('audit.changes', watch);
      expect(position).not.toBe(since);
      followed += entries.length;
      since = position;
    }
    const { text } = await api.get(`/api/v1/audit/export?type=${type}`);
    expect(text.trim().split('\n')).toHaveLength(MANY);
  });
});
