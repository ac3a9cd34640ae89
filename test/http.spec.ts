import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { idOf, newShortId } from '#contracts/ids.js';
import { newHouseholdKey } from '#contracts/secrets.js';
import { type Api, apiWith, newCaller, newUser, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { linkBank } from './link-bank.js';
import { allow, bankUrlOf, openLink, type Started } from './page-visit.js';

/** One test per status and code of the household API, over the whole system. */
const stack = sharedStack();
const nobody = newShortId();
let api: Api;
let reader: Api;
let stranger: Api;
let userId: string;
let userShortId: string;

beforeAll(async () => {
  const run = stack.run();
  const admin = await newCaller(run);
  api = admin.api;
  reader = (await newCaller(run, 'read_only', admin.tenant)).api;
  stranger = (await newCaller(run)).api;
  const { body } = await api.post('/api/v1/users', { name: 'Ada' });
  userId = body.id as string;
  userShortId = body.short_id as string;
});

const mint = (body: object = {}) => api.post('/api/v1/connections/link', { user_id: userId, ...body });

/** Connects a bank as a person would, without a browser. */
async function connect(): Promise<string> {
  const { body } = await mint({ single_use: true });
  const page = await openLink(body.url as string);
  await page.post('activate');
  const started = (await page.post('start', { provider: 'plaid' })).body as Started;
  const { token } = await allow(bankUrlOf(stack), started);
  expect((await page.post('finish', { attempt_id: started.attempt_id, token })).status).toBe(200);
  const session = () => api.get(`/api/v1/connections/link/${body.id}`);
  const done = await until(session, (answer) => answer.body.status === 'completed');
  return done.body.result_connection_ids[0] as string;
}

const refused = (answer: { status: number; body: any }) => [answer.status, answer.body.error.code]; // eslint-disable-line

describe('any request', () => {
  it.each([
    ['without a key', () => apiWith(stack.url, null), 401, 'MISSING_API_KEY'],
    ['with something that is no key', () => apiWith(stack.url, 'sk_1'), 401, 'INVALID_API_KEY'],
    ['with a key nobody has', () => apiWith(stack.url, newHouseholdKey()), 401, 'INVALID_API_KEY'],
  ] as const)('%s is refused', async (...[, caller, status, code]) => {
    expect(refused(await caller().get('/api/v1/users'))).toEqual([status, code]);
  });

  it('with a read_only key changes nothing', async () => {
    expect(refused(await reader.post('/api/v1/users', { name: 'Eve' }))).toEqual([403, 'FORBIDDEN']);
    expect(refused(await reader.get('/api/v1/api-keys'))).toEqual([403, 'FORBIDDEN']);
    expect((await reader.get('/api/v1/users')).status).toBe(200);
  });

  it('to no route is 404, with the wrong method 405, both in the envelope', async () => {
    expect((await api.get('/api/v1/nothing')).body).toEqual({ error: { code: 'NOT_FOUND', message: 'Not found' } });
    const answer = await api.call('PUT', '/api/v1/users');
    expect([...refused(answer), answer.headers.get('allow')]).toEqual([405, 'METHOD_NOT_ALLOWED', 'POST, GET, HEAD']);
  });

  it('with a body of 100 KB is 413 in the envelope', async () => {
    expect(refused(await mint({ label: 'x'.repeat(100_000) }))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});

describe('users', () => {
  it('are created, changed, listed and deleted', async () => {
    const created = await api.post('/api/v1/users', { name: ' Grace ', email: 'grace@example.com' });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: 'Grace', email: 'grace@example.com' });
    const path = `/api/v1/users/${created.body.short_id}`;
    expect((await api.get(path)).body).toEqual(created.body);
    const changed = await api.patch(path, { name: 'Grace H.' });
    expect([changed.status, changed.body.name, changed.body.email]).toEqual([200, 'Grace H.', 'grace@example.com']);
    expect((await api.patch(path, { email: null })).body.email).toBeNull();
    const { body } = await api.get('/api/v1/users?limit=1');
    expect([body.users[0].id, body.has_more]).toEqual([created.body.id, true]);
    const next = await api.get(`/api/v1/users?limit=1&cursor=${body.next_cursor}`);
    expect(next.body.users[0].id).toBe(userId);
    expect((await api.delete(path)).status).toBe(204);
    expect(refused(await api.get(path))).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['[]', 400, 'INVALID_BODY'],
    ['{"name":5}', 400, 'INVALID_BODY'],
    ['{}', 400, 'VALIDATION_ERROR'],
    ['{"name":"  "}', 400, 'VALIDATION_ERROR'],
    ['{"name":"A","email":"no address"}', 400, 'VALIDATION_ERROR'],
  ])('are not made of %s', async (body, status, code) => {
    expect(refused(await api.post('/api/v1/users', body))).toEqual([status, code]);
  });

  it('have addresses of their own: EMAIL_CONFLICT', async () => {
    const email = `${nobody}@example.com`;
    expect((await api.post('/api/v1/users', { name: 'One', email })).status).toBe(201);
    const second = await api.post('/api/v1/users', { name: 'Two', email: email.toUpperCase() });
    expect(refused(second)).toEqual([409, 'EMAIL_CONFLICT']);
  });

  it.each(['limit=0', 'limit=201', 'limit=x'])('are not listed with %s', async (query) => {
    expect(refused(await api.get(`/api/v1/users?${query}`))).toEqual([400, 'VALIDATION_ERROR']);
  });

  it('are not listed from a place no list has handed out', async () => {
    expect(refused(await api.get('/api/v1/users?cursor=nonsense'))).toEqual([400, 'INVALID_CURSOR']);
  });
});

describe('link sessions', () => {
  it('are minted and shown without token and url', async () => {
    const minted = await mint({ user_id: userShortId, label: 'Budget', provider: 'plaid' });
    expect(minted.status).toBe(201);
    const { token, url, ...session } = minted.body as Record<string, string>;
    expect(url).toBe(`${stack.url}/link/${token}`);
    expect(session['user_id']).toBe(userId);
    for (const id of [session['id'], session['short_id']]) {
      expect((await api.get(`/api/v1/connections/link/${id}`)).body).toEqual(session);
    }
    const path = `/api/v1/connections/link/${session['id']}`;
    const seen = await until(
      () => reader.get(path),
      ({ status }) => status === 200,
    );
    expect(seen.body).toEqual(session);
    expect(refused(await api.get(`/api/v1/connections/link/${token}`))).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    [{ user_id: 5 }, 400, 'INVALID_BODY', 'user_id must be a string'],
    [{ user_id: null }, 400, 'VALIDATION_ERROR', 'user_id is required'],
    [{ provider: 'citi' }, 400, 'VALIDATION_ERROR', 'provider must be "plaid" or "teller"'],
    [{ expires_in_seconds: 3601 }, 400, 'VALIDATION_ERROR', 'expires_in_seconds must be between 0 and 3600'],
    [{ user_id: 'x' }, 400, 'INVALID_PARAMETER', 'user_id must be a UUID or a short_id'],
    [{ user_id: nobody }, 404, 'NOT_FOUND', 'User not found'],
    [{ user_id: idOf('user', nobody) }, 404, 'NOT_FOUND', 'User not found'],
  ])('are not minted from %j', async (...[body, status, code, message]) => {
    const answer = await mint(body);
    expect([answer.status, answer.body]).toEqual([status, { error: { code, message } }]);
  });

  it('are cancelled once: then INVALID_STATE', async () => {
    const { body } = await mint();
    const path = `/api/v1/connections/link/${body.id}`;
    expect((await api.delete(path)).status).toBe(204);
    expect((await api.get(path)).body).toMatchObject({ status: 'failed', error_code: 'CANCELLED' });
    expect(refused(await api.delete(path))).toEqual([409, 'INVALID_STATE']);
    const { body: list } = await api.get(`/api/v1/connections/link?status=failed&user_id=${userShortId}&limit=1`);
    expect(list.sessions[0].id).toBe(body.id);
  });

  it('end with their user, opened or not', async () => {
    const user_id = await newUser(api);
    const links = [await mint({ user_id }), await mint({ user_id })];
    await (await openLink(links[1]!.body.url as string)).post('activate');
    expect((await api.delete(`/api/v1/users/${user_id}`)).status).toBe(204);
    for (const { body } of links) {
      const session = () => api.get(`/api/v1/connections/link/${body.id}`);
      const ended = await until(session, (answer) => answer.body.status === 'failed');
      expect(ended.body.error_code).toBe('USER_DELETED');
    }
  });

  it('of another project do not exist', async () => {
    const { body } = await mint();
    for (const path of [`/api/v1/connections/link/${body.id}`, `/api/v1/users/${userId}`]) {
      expect(refused(await stranger.get(path))).toEqual([404, 'NOT_FOUND']);
      expect(refused(await stranger.delete(path))).toEqual([404, 'NOT_FOUND']);
    }
    expect(refused(await stranger.post('/api/v1/connections/link', { user_id: userId }))).toEqual([404, 'NOT_FOUND']);
    expect((await stranger.get('/api/v1/connections/link')).body.sessions).toEqual([]);
  });

  it.each([
    ['status=nonsense', 'VALIDATION_ERROR'],
    ['created_after=yesterday', 'VALIDATION_ERROR'],
    ['user_id=x', 'INVALID_PARAMETER'],
    ['cursor=nonsense', 'INVALID_CURSOR'],
  ])('are not listed with %s', async (query, code) => {
    expect(refused(await api.get(`/api/v1/connections/link?${query}`))).toEqual([400, code]);
  });

  it.each(['link/x', `link/${nobody}`, 'link/%00', 'x', nobody, `${nobody}/status`, `link/${nobody}/timeline`])(
    'and connections with unknown ids are 404: %s',
    async (id) => expect(refused(await api.get(`/api/v1/connections/${id}`))).toEqual([404, 'NOT_FOUND']),
  );
});

describe('a cursor', () => {
  const lists = {
    users: 'users?limit=1',
    sessions: 'connections/link?limit=1',
    'pending sessions': 'connections/link?limit=1&status=pending',
    'API keys': 'api-keys?limit=1',
    entries: 'audit?limit=1',
    'entries of one type': 'audit?limit=1&type=UserCreated',
  };
  const page = (query: string, cursor = '') => api.get(`/api/v1/${query}&cursor=${cursor}`);

  beforeAll(async () => {
    for (let n = 0; n < 2; n++) {
      await api.post('/api/v1/users', { name: 'Ada' });
      await mint();
      await api.post('/api/v1/api-keys', { name: 'one of several' });
    }
  });

  it.each(Object.keys(lists) as (keyof typeof lists)[])(
    'of %s leads on there, and into no other list',
    async (name) => {
      const { next_cursor } = (await page(lists[name])).body as { next_cursor: string };
      expect(next_cursor.length).toBeLessThan(100);
      for (const [other, query] of Object.entries(lists)) {
        const { status, body } = await page(query, next_cursor);
        expect([other, status, body.error?.code]).toEqual(
          other === name ? [other, 200, undefined] : [other, 400, 'INVALID_CURSOR'],
        );
      }
    },
  );
});

describe('a connection', () => {
  let id: string;
  beforeAll(async () => {
    id = await connect();
  });

  it('is shown in the household’s words', async () => {
    const { status, body } = await api.get(`/api/v1/connections/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, user_id: userId, user_name: 'Ada', provider: 'plaid', status: 'active' });
    expect((await api.get(`/api/v1/connections?user_id=${userId}`)).body.connections).toEqual([body]);
    const { updated_at } = body as { updated_at: string };
    const healthy = { id, status: 'active', error_code: null, error_message: null, updated_at };
    expect((await api.get(`/api/v1/connections/${body.short_id}/status`)).body).toEqual(healthy);
  });

  it('keeps its user: USER_HAS_DEPENDENTS', async () => {
    expect(refused(await api.delete(`/api/v1/users/${userId}`))).toEqual([409, 'USER_HAS_DEPENDENTS']);
  });

  it('is relinked with an empty body, also a chunked one, whatever the body says of it', async () => {
    const { short_id } = (await api.get(`/api/v1/connections/${id}`)).body as { short_id: string };
    const relinked = await api.post(`/api/v1/connections/${short_id}/relink`);
    expect(relinked.status).toBe(201);
    expect(relinked.body).toMatchObject({ action: 'relink', connection_id: id, single_use: true, provider: 'plaid' });
    const other = { user_id: nobody, provider: 'teller', single_use: false, action: 'link', label: 'Again' };
    const told = await api.post(`/api/v1/connections/${id}/relink`, other);
    expect(told.body).toMatchObject({ user_id: userId, provider: 'plaid', single_use: true, label: 'Again' });
    const chunked = await fetch(`${stack.url}/api/v1/connections/${id}/relink`, {
      method: 'POST',
      headers: { 'x-api-key': await keyOf(), 'content-type': 'application/json' },
      body: new ReadableStream({ start: (controller) => controller.close() }),
      duplex: 'half',
    });
    expect(chunked.status).toBe(201);
  });

  it('is not relinked when the body is wrong, or when nobody has it', async () => {
    const path = (connection: string) => `/api/v1/connections/${connection}/relink`;
    expect(refused(await api.post(path(nobody), { label: 5 }))).toEqual([400, 'INVALID_BODY']);
    expect(refused(await api.post(path(nobody)))).toEqual([404, 'NOT_FOUND']);
    expect(refused(await api.post(path('x')))).toEqual([404, 'NOT_FOUND']);
    expect(refused(await stranger.post(path(id)))).toEqual([404, 'NOT_FOUND']);
  });

  it('asks for a new sign-in when the sandbox bank does', async () => {
    const asked = await api.post(`/api/v1/sandbox/connections/${id}/require-login`);
    expect([asked.status, asked.body.id]).toEqual([202, id]);
    const status = () => api.get(`/api/v1/connections/${id}/status`);
    await until(status, ({ body }) => body.status === 'pending_reauth');
    expect(refused(await api.post('/api/v1/sandbox/connections/x/require-login'))).toEqual([404, 'NOT_FOUND']);
  });

  it('is disconnected for good: CONNECTION_DISCONNECTED', async () => {
    expect((await api.delete(`/api/v1/connections/${id}`)).status).toBe(204);
    expect((await api.get(`/api/v1/connections/${id}`)).body.status).toBe('disconnected');
    const relink = await api.post(`/api/v1/connections/${id}/relink`);
    expect(refused(relink)).toEqual([409, 'CONNECTION_DISCONNECTED']);
    expect(refused(await api.delete(`/api/v1/connections/${nobody}`))).toEqual([404, 'NOT_FOUND']);
  });

  it('lets its user go at once when it is disconnected, also while the view is behind', async () => {
    const owner = await newUser(api);
    const bank = await linkBank(stack, api, owner);
    const database = new Client(stack.run().databases['connection']);
    await database.connect();
    await database.query('begin; lock table connections in exclusive mode');
    expect((await api.delete(`/api/v1/connections/${bank}`)).status).toBe(204);
    expect((await api.delete(`/api/v1/users/${owner}`)).status).toBe(204);
    await database.query('commit');
    await database.end();
  });

  it('has its story on the timeline, oldest first', async () => {
    const { status, body } = await reader.get(`/api/v1/connections/${id}/timeline`);
    expect(status).toBe(200);
    const types = (body.entries as { type: string }[]).map(({ type }) => type);
    expect([types[0], types.at(-1)]).toEqual(['ConnectionLinked', 'ConnectionDisconnected']);
  });
});

describe('deliveries', () => {
  it.each(['plaid', 'teller', 'nobody', `plaid/${nobody}`, 'plaid/x', `teller/${idOf('connection', nobody)}`])(
    'to /v1/webhooks/%s that cannot be verified are refused alike',
    async (path) => {
      const { status, body } = await api.post(`/v1/webhooks/${path}`, {}, { 'teller-signature': 't=1,v1=00' });
      expect([status, body.code, body.message]).toEqual([401, 'unauthorized', 'The delivery could not be verified.']);
    },
  );

  it('above 1 MiB are 413', async () => {
    const { status, body } = await api.post('/v1/webhooks/plaid', 'x'.repeat(1024 * 1024 + 1));
    expect([status, body.code]).toEqual([413, 'payload_too_large']);
  });
});

describe('API keys', () => {
  it('are created, shown, and dead the moment their revocation is answered', async () => {
    const created = await api.post('/api/v1/api-keys', { name: 'Home Assistant', expires_in_days: 30 });
    expect([created.status, created.headers.get('cache-control')]).toEqual([201, 'no-store']);
    const { plaintext_key, ...key } = created.body as Record<string, string>;
    expect(key).toMatchObject({ name: 'Home Assistant', scope: 'read_only', revoked_at: null });
    const mine = apiWith(stack.url, plaintext_key!);
    // The batch of last uses may be told at any moment.
    const shown = { ...key, last_used_at: expect.anything() as unknown };
    const { body: me } = await mine.get('/api/v1/keys/me');
    expect({ ...me, last_used_at: 'x' }).toEqual(shown);
    expect({ ...(await api.get(`/api/v1/api-keys/${key['short_id']}`)).body, last_used_at: 'x' }).toEqual(shown);
    expect({ ...(await api.get('/api/v1/api-keys')).body.api_keys[0], last_used_at: 'x' }).toEqual(shown);
    expect((await api.delete(`/api/v1/api-keys/${key['id']}`)).status).toBe(204);
    expect(refused(await mine.get('/api/v1/keys/me'))).toEqual([401, 'REVOKED_API_KEY']);
    expect((await api.delete(`/api/v1/api-keys/${key['id']}`)).status).toBe(204);
    const { body } = await api.get(`/api/v1/api-keys/${key['id']}/timeline`);
    // That it was used once more may be told by now, or a little later.
    const types = (body.entries as { type: string }[]).map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['KeyCreated', 'KeyRevoked']);
  });

  it('do not lock everybody out: LAST_ADMIN_KEY', async () => {
    const { body } = await stranger.get('/api/v1/keys/me');
    expect(refused(await stranger.delete(`/api/v1/api-keys/${body.id}`))).toEqual([409, 'LAST_ADMIN_KEY']);
  });

  it.each([
    ['{"name":""}', 400, 'VALIDATION_ERROR'],
    ['{"name":"x","scope":"admin"}', 400, 'VALIDATION_ERROR'],
    ['{"name":"x","expires_in_days":0}', 400, 'VALIDATION_ERROR'],
    ['{"name":"x","allowed_ips":["10.0.0.0/33"]}', 400, 'VALIDATION_ERROR'],
    ['{"name":"x","allowed_ips":[5]}', 400, 'INVALID_BODY'],
    ['{"name":"x","scope":5}', 400, 'INVALID_BODY'],
  ])('are not made of %s', async (body, status, code) => {
    expect(refused(await api.post('/api/v1/api-keys', body))).toEqual([status, code]);
  });

  it('that nobody has are 404', async () => {
    for (const id of ['x', nobody]) {
      expect(refused(await api.get(`/api/v1/api-keys/${id}`))).toEqual([404, 'NOT_FOUND']);
      expect(refused(await api.delete(`/api/v1/api-keys/${id}`))).toEqual([404, 'NOT_FOUND']);
    }
  });
});

describe('the timeline', () => {
  it('shows the caller its own write, found by its request id', async () => {
    const id = `http-spec-${nobody}`;
    await api.post('/api/v1/users', { name: 'Linus' }, { 'x-request-id': id });
    const { status, body } = await reader.get(`/api/v1/audit?request_id=${id}`);
    const own = await api.get(`/api/v1/audit?request_id=${id}&type=UserCreated&limit=5`);
    expect([status, own.body.entries.length]).toEqual([200, 1]);
    expect(own.body.entries[0]).toMatchObject({ type: 'UserCreated', request_id: id, actor: { type: 'api_key' } });
    expect(body).toHaveProperty('next_cursor');
  });

  it.each([
    ['limit=1000', 'VALIDATION_ERROR'],
    ['from=never', 'VALIDATION_ERROR'],
    ['cursor=nonsense!', 'INVALID_CURSOR'],
  ])('is not read with %s', async (query, code) => {
    expect(refused(await api.get(`/api/v1/audit?${query}`))).toEqual([400, code]);
  });
});

/** A key of the same project, for a request that the other tools cannot make. */
async function keyOf(): Promise<string> {
  const { body } = await api.post('/api/v1/api-keys', { name: 'chunked', scope: 'full_access' });
  return body.plaintext_key as string;
}
