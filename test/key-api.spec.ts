import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { KeyEvent } from '#contracts/key.js';
import { hashSecret, keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import { metadataOf, type Tenant } from '#contracts/envelope.js';
import { append } from '#eventstore/append.js';
import { connectEventStore } from '#eventstore/client.js';
import { type Answer, type Api, apiWith, newCaller, until } from '#testing/api.js';
import { connectAs, contextFor } from '#testing/callers.js';
import { sharedStack } from '#testing/stack.js';
import { anotherGateway } from './another-gateway.js';

/** The household's keys over HTTP: one test per status and code. */
const stack = sharedStack();
let tenant: Tenant;
let api: Api;
let reader: Api;
let stranger: Api;

beforeAll(async () => {
  const admin = await newCaller(stack.run());
  ({ api, tenant } = admin);
  reader = (await newCaller(stack.run(), 'read_only', tenant)).api;
  stranger = (await newCaller(stack.run())).api;
});

const refused = ({ status, body }: Answer) => [status, body.error?.code ?? body] as const;

interface Created {
  key: string;
  id: string;
  mine: Api;
  shown: Record<string, unknown>;
}

async function create(body: object = {}, by = api): Promise<Created> {
  const answer = await by.post('/api/v1/api-keys', { name: 'Home', ...body });
  expect(answer.status).toBe(201);
  const { plaintext_key: key, ...shown } = answer.body as { plaintext_key: string; id: string };
  return { key, id: shown.id, mine: apiWith(stack.url, key), shown };
}

/** Last uses are told in batches, at any moment. */
const butUse = (body: object) => ({ ...body, last_used_at: null });

describe('PATCH /api/v1/api-keys/{id}', () => {
  it('renames a key, and everybody sees it at once', async () => {
    const { id, mine, shown } = await create();
    expect((await mine.get('/api/v1/keys/me')).body.name).toBe('Home');
    const renamed = await api.patch(`/api/v1/api-keys/${String(shown['short_id'])}`, { name: ' Kitchen ' });
    expect([renamed.status, butUse(renamed.body as object)]).toEqual([200, { ...shown, name: 'Kitchen' }]);
    expect((await api.get(`/api/v1/api-keys/${id}`)).body.name).toBe('Kitchen');
    expect((await mine.get('/api/v1/keys/me')).body.name).toBe('Kitchen');
    const { body } = await api.get(`/api/v1/api-keys/${id}/timeline`);
    expect((body.entries as { type: string }[]).map(({ type }) => type)).toEqual(['KeyCreated', 'KeyRenamed']);
  });

  it.each([
    ['{}', 400, 'VALIDATION_ERROR'],
    ['{"name":" "}', 400, 'VALIDATION_ERROR'],
    [`{"name":"${'x'.repeat(81)}"}`, 400, 'VALIDATION_ERROR'],
    ['{"name":5}', 400, 'INVALID_BODY'],
    ['', 400, 'INVALID_BODY'],
  ])('refuses %s', async (body, status, code) => {
    const { id } = await create();
    expect(refused(await api.patch(`/api/v1/api-keys/${id}`, body))).toEqual([status, code]);
  });

  it('is 404 for what is not there, another project’s included, and 403 for read_only', async () => {
    const { id } = await create();
    const wish = { name: 'x' };
    for (const path of [randomUUID(), 'x']) {
      expect(refused(await api.patch(`/api/v1/api-keys/${path}`, wish))).toEqual([404, 'NOT_FOUND']);
    }
    expect(refused(await stranger.patch(`/api/v1/api-keys/${id}`, wish))).toEqual([404, 'NOT_FOUND']);
    expect(refused(await reader.patch(`/api/v1/api-keys/${id}`, wish))).toEqual([403, 'FORBIDDEN']);
  });
});

describe('POST /api/v1/api-keys/{id}/rotate', () => {
  const rotate = (id: string, body?: unknown, headers?: Record<string, string>, by = api) =>
    by.post(`/api/v1/api-keys/${id}/rotate`, body, headers);

  it('gives a new key with the terms of the old one, which ends at once without a grace', async () => {
    const terms = { scope: 'full_access', actor_name: 'Ada', expires_in_days: 30, allowed_ips: ['127.0.0.0/8'] };
    const old = await create(terms);
    const answer = await rotate(old.id);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { plaintext_key, ...shown } = answer.body as Record<string, string>;
    expect(plaintext_key).toMatch(/^bb_[0-9A-Za-z]{43}$/);
    const { id, short_id, key_prefix, created_at, created_by } = shown;
    expect(shown).toEqual({ ...old.shown, id, short_id, key_prefix, created_at, created_by });
    expect(id).not.toBe(old.id);
    expect(key_prefix).toBe(plaintext_key!.slice(0, 11));
    expect(refused(await old.mine.get('/api/v1/keys/me'))).toEqual([401, 'REVOKED_API_KEY']);
    const { body } = await apiWith(stack.url, plaintext_key!).get('/api/v1/keys/me');
    expect(butUse(body as object)).toEqual(shown);
    expect((await api.get(`/api/v1/api-keys/${old.id}`)).body.revoked_at).not.toBeNull();
  });

  it('lets the old key work beside the new one for the grace, and records its end', async () => {
    const old = await create();
    const before = Date.now();
    expect((await rotate(old.id, { grace_seconds: 4 })).status).toBe(201);
    expect((await old.mine.get('/api/v1/keys/me')).status).toBe(200);
    const { body } = await api.get(`/api/v1/api-keys/${old.id}`);
    const end = Date.parse(body.expires_at as string);
    expect([body.revoked_at, end >= before + 4_000, end <= Date.now() + 4_000]).toEqual([null, true, true]);
    const path = `/api/v1/api-keys/${old.id}/timeline`;
    const story = await until(
      () => api.get(path),
      (answer) => (answer.body.entries as unknown[]).length === 3,
    );
    const entries = story.body.entries as { type: string; at: string; actor: object; data: object }[];
    expect(entries.map(({ type }) => type)).toEqual(['KeyCreated', 'KeyRotated', 'KeyRevoked']);
    // It tells when it was written, and since when the key was dead.
    expect(entries[2]).toMatchObject({ data: { since: body.expires_at }, actor: { type: 'system' } });
    expect(Date.parse(entries[2]!.at)).toBeGreaterThanOrEqual(end);
    expect(story.text).not.toMatch(/[0-9a-f]{64}/);
    expect((await api.get(`/api/v1/api-keys/${old.id}`)).body.revoked_at).toBe(body.expires_at);
    expect(refused(await old.mine.get('/api/v1/keys/me'))).toEqual([401, 'REVOKED_API_KEY']);
  });

  it('never lets the old key work longer than it would have', async () => {
    const old = await create({ expires_in_days: 1 });
    const { body } = await rotate(old.id, { grace_seconds: 604_800 });
    expect((await api.get(`/api/v1/api-keys/${old.id}`)).body.expires_at).toBe(old.shown['expires_at']);
    expect(body.expires_at).toBe(old.shown['expires_at']);
  });

  it('gives the same bytes to the same Idempotency-Key, and makes one successor', async () => {
    const old = await create();
    const headers = { 'idempotency-key': randomUUID() };
    const [one, two] = [await rotate(old.id, {}, headers), await rotate(old.id, {}, headers)];
    expect([one.status, two.status, two.text]).toEqual([201, 201, one.text]);
    const { body } = await api.get('/api/v1/api-keys?limit=200');
    const made = (body.api_keys as { created_at: string }[]).filter(
      ({ created_at }) => created_at >= one.body.created_at,
    );
    expect(made).toHaveLength(1);
  });

  it.each([
    ['{"grace_seconds":-1}', 400, 'VALIDATION_ERROR'],
    ['{"grace_seconds":604801}', 400, 'VALIDATION_ERROR'],
    ['{"grace_seconds":1.5}', 400, 'INVALID_BODY'],
    ['{"grace_seconds":"60"}', 400, 'INVALID_BODY'],
    ['[]', 400, 'INVALID_BODY'],
  ])('refuses %s', async (body, status, code) => {
    const { id } = await create();
    expect(refused(await rotate(id, body))).toEqual([status, code]);
  });

  it('is 409 for a key that has ended or has a successor already', async () => {
    const revoked = await create();
    await api.delete(`/api/v1/api-keys/${revoked.id}`);
    expect(refused(await rotate(revoked.id))).toEqual([409, 'INVALID_STATE']);
    const rotated = await create();
    await rotate(rotated.id, { grace_seconds: 60 });
    expect(refused(await rotate(rotated.id))).toEqual([409, 'INVALID_STATE']);
    expect((await rotated.mine.get('/api/v1/keys/me')).status).toBe(200);
  });

  it('is 404 for what is not there, another project’s and the platform’s keys included, and 403 for read_only', async () => {
    const { id } = await create();
    const { key } = await create({ scope: 'full_access' });
    const platform = await api.post('/v1/api-keys', { name: 'p' }, { authorization: `Bearer ${key}` });
    for (const path of [randomUUID(), 'x', platform.body.id as string]) {
      expect(refused(await rotate(path))).toEqual([404, 'NOT_FOUND']);
    }
    expect(refused(await rotate(id, {}, {}, stranger))).toEqual([404, 'NOT_FOUND']);
    expect(refused(await rotate(id, {}, {}, reader))).toEqual([403, 'FORBIDDEN']);
  });

  it('keeps an administrator: the successor counts as the last one, the old key no more', async () => {
    const { api: mine } = await newCaller(stack.run());
    const { id } = (await mine.get('/api/v1/keys/me')).body as { id: string };
    const { body } = await rotate(id, { grace_seconds: 60 }, {}, mine);
    const next = apiWith(stack.url, body.plaintext_key as string);
    expect(refused(await next.delete(`/api/v1/api-keys/${body.id}`))).toEqual([409, 'LAST_ADMIN_KEY']);
    expect((await mine.delete(`/api/v1/api-keys/${id}`)).status).toBe(204);
  });
});

describe('a rotation that was interrupted', () => {
  it('is finished: the successor exists although nobody made it', async () => {
    const old = await create();
    const key = newHouseholdKey();
    const [verified] = await withBus((bus) => bus.ask('key.verify', { key_hashes: [hashSecret(old.key)] }));
    const { retires_at: _r, revoked_at: _v, id: _id, key_prefix: _p, ...terms } = verified!;
    const at = new Date().toISOString();
    const successor = { ...terms, ...keyIdentity(key), created_by: 'Ada' };
    const context = contextFor(tenant);
    const client = connectEventStore(stack.run().eventstore.url);
    await append<KeyEvent>(client, {
      stream: `api_key-${old.id}`,
      expected: 0n,
      events: [{ type: 'KeyRotated', successor, retires_at: at, at }],
      metadata: metadataOf(context),
      commandId: context.command_id,
      deadline: context.deadline,
    });
    await client.dispose();
    const mine = apiWith(stack.url, key);
    await until(
      () => withBus((bus) => bus.ask('key.verify', { key_hashes: [hashSecret(key)] })),
      ([found]) => found !== null,
    );
    expect((await mine.get('/api/v1/keys/me')).body).toMatchObject({ id: successor.id, name: 'Home' });
  });

  it('is finished by its repetition, which has one effect', async () => {
    const { id } = await create();
    const ask = { id, successor: keyIdentity(newHouseholdKey()), grace_seconds: 60 };
    const context = contextFor(tenant);
    const twice = () => withBus((bus) => bus.ask('key.rotate', { context, ...ask }));
    const [one, two] = await Promise.all([twice(), twice()]);
    expect(two.view).toEqual(one.view);
    expect(await twice()).toEqual(one);
  });

  it('is not answered to who asks for another key in the place of the first', async () => {
    const { id } = await create();
    const context = contextFor(tenant);
    const rotate = () =>
      withBus((bus) => {
        const successor = keyIdentity(newHouseholdKey());
        return bus.ask('key.rotate', { context, id, successor, grace_seconds: 60 });
      });
    await rotate();
    await expect(rotate()).rejects.toMatchObject({ code: 'INVALID_STATE' });
  });
});

async function withBus<T>(use: (bus: Awaited<ReturnType<typeof connectAs>>) => Promise<T>): Promise<T> {
  const bus = await connectAs('gateway', stack.run());
  return use(bus).finally(() => bus.onApplicationShutdown());
}

describe('allowed_ips', () => {
  it('bind a key to addresses: IP_NOT_ALLOWED elsewhere', async () => {
    const here = await create({ allowed_ips: ['127.0.0.0/8', '2001:DB8::/32'] });
    expect(here.shown['allowed_ips']).toEqual(['127.0.0.0/8', '2001:db8::/32']);
    expect((await here.mine.get('/api/v1/keys/me')).status).toBe(200);
    const elsewhere = await create({ allowed_ips: ['10.0.0.0/8', '::1/128'] });
    expect(refused(await elsewhere.mine.get('/api/v1/keys/me'))).toEqual([403, 'IP_NOT_ALLOWED']);
    const platform = await elsewhere.mine.get('/v1/whoami', { authorization: `Bearer ${elsewhere.key}` });
    expect([platform.status, platform.body.code]).toEqual([403, 'ip_not_allowed']);
  });

  it.each([
    ['10.0.0.0/33', 400, 'VALIDATION_ERROR'],
    ['home', 400, 'VALIDATION_ERROR'],
    ['', 400, 'VALIDATION_ERROR'],
    [5, 400, 'INVALID_BODY'],
  ])('refuse %j', async (range, status, code) => {
    expect(refused(await api.post('/api/v1/api-keys', { name: 'x', allowed_ips: [range] }))).toEqual([status, code]);
  });

  it('are at most 50', async () => {
    const ranges = Array.from({ length: 51 }, (_, n) => `10.0.${n}.0/24`);
    const answer = await api.post('/api/v1/api-keys', { name: 'x', allowed_ips: ranges });
    expect(refused(answer)).toEqual([400, 'VALIDATION_ERROR']);
  });
});

describe('expires_at', () => {
  it('ends a key to the millisecond: EXPIRED_API_KEY', async () => {
    const key = newHouseholdKey();
    const expires_at = new Date(Date.now() + 700).toISOString();
    const household = { kind: 'household' as const, name: 'x', actor_name: null, created_by: 'x' };
    const terms = { ...keyIdentity(key), ...tenant, ...household, scopes: ['read_only' as const], expires_at };
    await withBus((bus) => bus.ask('key.create', { context: contextFor(tenant), terms }));
    const mine = apiWith(stack.url, key);
    const end = Date.parse(expires_at);
    for (let isOver = false; !isOver;) {
      const startedAt = Date.now();
      const answer = await mine.get('/api/v1/keys/me');
      isOver = answer.status === 401;
      if (isOver) expect([refused(answer), Date.now() >= end]).toEqual([[401, 'EXPIRED_API_KEY'], true]);
      else expect([answer.status, startedAt < end]).toEqual([200, true]);
    }
  });
});

describe('last_used_at', () => {
  it('is told by a gateway when it ends, and never goes back', async () => {
    const { id, key } = await create();
    const gateway = await anotherGateway(stack.run());
    const before = Date.now();
    expect((await apiWith(gateway.url, key).get('/api/v1/keys/me')).body.last_used_at).toBeNull();
    await gateway.stop();
    const { body } = await api.get(`/api/v1/api-keys/${id}`);
    const used = Date.parse(body.last_used_at as string);
    expect([used >= before, used <= Date.now()]).toEqual([true, true]);
    const earlier = { key_id: id, at: new Date(before - 60_000).toISOString() };
    await withBus((bus) => bus.ask('key.used', { uses: [earlier] }));
    const list = await api.get('/api/v1/api-keys?limit=200');
    const shown = (list.body.api_keys as { id: string }[]).find((one) => one.id === id);
    expect(shown).toEqual(body);
  });
});

describe('lists of keys', () => {
  it('have full pages on both surfaces, whatever keys of the other kind lie between', async () => {
    const { key } = await newCaller(stack.run());
    const mine = apiWith(stack.url, key);
    const bearer = { authorization: `Bearer ${key}` };
    for (let n = 0; n < 3; n++) {
      await mine.post('/v1/api-keys', { name: `p${n}` }, bearer);
      await mine.post('/api/v1/api-keys', { name: `h${n}` });
    }
    const household = await mine.get('/api/v1/api-keys?limit=3');
    expect((household.body.api_keys as { name: string }[]).map(({ name }) => name)).toEqual(['h2', 'h1', 'h0']);
    const platform = await mine.get('/v1/api-keys?limit=3', bearer);
    expect((platform.body.keys as { name: string }[]).map(({ name }) => name)).toEqual(['p2', 'p1', 'p0']);
    expect([household.body.has_more, platform.body.next_cursor]).toEqual([true, null]);
  });
});

describe('GET /api/v1/users/{id}/login', () => {
  it('says that there is none, to full_access only', async () => {
    const { id, short_id } = (await api.post('/api/v1/users', { name: 'Ada' })).body as Record<string, string>;
    const answer = await api.get(`/api/v1/users/${short_id}/login`);
    expect([answer.status, answer.body]).toEqual([200, { user_id: id, login: null }]);
    expect(refused(await reader.get(`/api/v1/users/${id}/login`))).toEqual([403, 'FORBIDDEN']);
    expect(refused(await stranger.get(`/api/v1/users/${id}/login`))).toEqual([404, 'NOT_FOUND']);
    for (const nobody of ['x', randomUUID()]) {
      expect(refused(await api.get(`/api/v1/users/${nobody}/login`))).toEqual([404, 'NOT_FOUND']);
    }
  });
});
