import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { platformConnectionId } from '#contracts/ids.js';
import { keyIdentity } from '#contracts/secrets.js';
import { type Answer, type Api, apiWith, newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { query } from './chaos/invariants.js';
import { linkBank } from './link-bank.js';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
}
/** How to ask for one operation, once more for every run: what it needs is made before. */
type Recipe = () => Promise<Answer>;

const stack = sharedStack();
let document: Document;
let api: Api;
let key: string;
let recipes: Record<string, Recipe>;
let ajv: Ajv2020;
/** What has been written, by the name of the request. */
const written = new Map<string, string>();
/** These change nothing that stays: a credential that is tried. */
const leavesNothing = /-validate$/;

/** A field that the document does not name is drift, so every described object is closed. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const fields = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return 'properties' in fields && !('additionalProperties' in fields)
    ? { ...fields, additionalProperties: false }
    : fields;
}

beforeAll(async () => {
  const caller = await newCaller(stack.run());
  ({ api, key } = caller);
  document = closed((await api.get('/openapi.json')).body) as Document;
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', ...document });
  recipes = await household();
  Object.assign(recipes, await platform());
});

const id = (answer: Answer): string => (answer.body as { id: string }).id;
/** A stream that never ends, as far as its head. */
async function beginningOf(path: string, headers: Record<string, string>): Promise<Answer> {
  const abort = new AbortController();
  const { status, headers: head } = await fetch(stack.url + path, { headers, signal: abort.signal });
  abort.abort();
  return { status, headers: head, body: undefined, text: '' };
}

const newUser = async () => id(await api.post('/api/v1/users', { name: 'Ada' }));
const newKey = async () => id(await api.post('/api/v1/api-keys', { name: 'k' }));

async function household(): Promise<Record<string, Recipe>> {
  const user_id = await newUser();
  const mint = () => api.post('/api/v1/connections/link', { user_id, label: 'x' });
  const session = id(await mint());
  const replay = () => api.post('/api/v1/replays', { view: 'api_keys', verify: true });
  const connection = await linkBank(stack, api, user_id);
  return {
    'GET /health/live': () => api.get('/health/live'),
    'GET /health/ready': () =>
      until(
        () => api.get('/health/ready'),
        ({ status }) => status === 200,
      ),
    'POST /api/v1/connections/link': mint,
    'GET /api/v1/connections/link': () => api.get('/api/v1/connections/link?limit=2&status=pending'),
    'GET /api/v1/connections/link/{id}': () => api.get(`/api/v1/connections/link/${session}`),
    'DELETE /api/v1/connections/link/{id}': async () => api.delete(`/api/v1/connections/link/${id(await mint())}`),
    'GET /api/v1/connections/link/{id}/timeline': () => api.get(`/api/v1/connections/link/${session}/timeline`),
    'GET /api/v1/connections/link/{id}/events': async () => {
      const ended = id(await mint());
      await api.delete(`/api/v1/connections/link/${ended}`);
      return api.get(`/api/v1/connections/link/${ended}/events`);
    },
    'POST /api/v1/connections/{id}/relink': () => api.post(`/api/v1/connections/${connection}/relink`),
    'GET /api/v1/connections': () => api.get('/api/v1/connections'),
    'GET /api/v1/connections/{id}': () => api.get(`/api/v1/connections/${connection}`),
    'GET /api/v1/connections/{id}/status': () => api.get(`/api/v1/connections/${connection}/status`),
    'GET /api/v1/connections/{id}/timeline': () => api.get(`/api/v1/connections/${connection}/timeline`),
    'DELETE /api/v1/connections/{id}': async () =>
      api.delete(`/api/v1/connections/${await linkBank(stack, api, user_id)}`),
    'POST /api/v1/users': () => api.post('/api/v1/users', { name: 'Grace' }),
    'GET /api/v1/users': () => api.get('/api/v1/users?limit=1'),
    'GET /api/v1/users/{id}': () => api.get(`/api/v1/users/${user_id}`),
    'GET /api/v1/users/{id}/login': () => api.get(`/api/v1/users/${user_id}/login`),
    'PATCH /api/v1/users/{id}': () => api.patch(`/api/v1/users/${user_id}`, { name: 'Ada L.' }),
    'DELETE /api/v1/users/{id}': async () => api.delete(`/api/v1/users/${await newUser()}`),
    'POST /api/v1/api-keys': () => api.post('/api/v1/api-keys', { name: 'k' }),
    'GET /api/v1/api-keys': () => api.get('/api/v1/api-keys'),
    'GET /api/v1/api-keys/{id}': async () => api.get(`/api/v1/api-keys/${await newKey()}`),
    'PATCH /api/v1/api-keys/{id}': async () => api.patch(`/api/v1/api-keys/${await newKey()}`, { name: 'n' }),
    'DELETE /api/v1/api-keys/{id}': async () => api.delete(`/api/v1/api-keys/${await newKey()}`),
    'POST /api/v1/api-keys/{id}/rotate': async () => api.post(`/api/v1/api-keys/${await newKey()}/rotate`, {}),
    'GET /api/v1/api-keys/{id}/timeline': async () => api.get(`/api/v1/api-keys/${await newKey()}/timeline`),
    'GET /api/v1/keys/me': () => api.get('/api/v1/keys/me'),
    'GET /api/v1/vault': () => api.get('/api/v1/vault'),
    'POST /api/v1/vault/rotate': () => api.post('/api/v1/vault/rotate'),
    'POST /api/v1/erasures': async () => api.post('/api/v1/erasures', { subject: await newUser() }),
    'GET /api/v1/audit/stream': () => beginningOf('/api/v1/audit/stream', { 'x-api-key': key }),
    'POST /api/v1/replays': replay,
    'GET /api/v1/replays': () => api.get('/api/v1/replays'),
    'GET /api/v1/replays/{id}': async () => api.get(`/api/v1/replays/${id(await replay())}`),
    'GET /api/v1/audit/export': () => api.get('/api/v1/audit/export?format=csv'),
    'GET /api/v1/audit': () => api.get('/api/v1/audit?limit=3'),
    'POST /api/v1/sandbox/connections/{id}/require-login': () =>
      api.post(`/api/v1/sandbox/connections/${connection}/require-login`),
    'GET /api/v1/sandbox/ledger': () => api.get('/api/v1/sandbox/ledger'),
  };
}

async function platform(): Promise<Record<string, Recipe>> {
  const bearer = { authorization: `Bearer ${key}` };
  const v1 = apiWith(stack.url, null);
  const newPlatformKey = () => v1.post('/v1/api-keys', { name: 'k', scopes: ['connections:read'] }, bearer);
  const { body } = await api.get('/api/v1/connections');
  const [bank] = body.connections as [{ id: string }];
  const store = (user_id: string) => v1.post('/v1/connections', { server_id: 'stripe', secret: 'sk', user_id }, bearer);
  const stored = async () => `/v1/connections/${id(await store(randomUUID()))}`;
  const open = () => v1.post('/v1/sessions', { servers: ['stripe'] }, bearer);
  const session = async () => `/v1/sessions/${id(await open())}`;
  const send = (method: string, path: string, given?: object) => v1.call(method, path, given, bearer);
  const project = `/v1/projects/${id(await v1.post('/v1/projects', { name: 'x' }, bearer))}`;
  return {
    'POST /v1/connections': () => store(randomUUID()),
    'POST /v1/connections/{id}/revoke': async () => send('POST', `${await stored()}/revoke`),
    'PATCH /v1/connections/{id}/metadata': async () =>
      send('PATCH', `${await stored()}/metadata`, { connection_metadata: { a: 1 } }),
    'PUT /v1/connections/{id}/webhook-secret': async () =>
      send('PUT', `${await stored()}/webhook-secret`, { secret: 'whsec' }),
    'POST /v1/connections/start': () =>
      send('POST', '/v1/connections/start', {
        ...{ server_id: 'sandbox-oauth', user_id: randomUUID(), redirect_uri: 'https://app.example/done' },
      }),
    'POST /v1/connect/start': () =>
      send('POST', '/v1/connect/start', {
        ...{ server_id: 'sandbox-oauth', user_id: randomUUID(), redirect_uri: 'https://app.example/done' },
      }),
    'POST /v1/connections/hmac-validate': () =>
      send('POST', '/v1/connections/hmac-validate', {
        server_id: 'sandbox-hmac',
        secret: { access_key: 'user_good', secret: 'pass_good' },
      }),
    'POST /v1/connections/jwt-validate': () =>
      send('POST', '/v1/connections/jwt-validate', {
        server_id: 'sandbox-jwt',
        secret: { key_name: 'k', private_key: 'no key' },
      }),
    'DELETE /v1/connections/{id}': async () => send('DELETE', await stored()),
    'POST /v1/sessions': open,
    'GET /v1/sessions': () => v1.get('/v1/sessions', bearer),
    'GET /v1/sessions/{id}': async () => v1.get(await session(), bearer),
    'GET /v1/sessions/{id}/connections': async () => v1.get(`${await session()}/connections`, bearer),
    'DELETE /v1/sessions/{id}': async () => send('DELETE', await session()),
    'POST /v1/sessions/{id}/close': async () => send('POST', `${await session()}/close`),
    'GET /v1/whoami': () => v1.get('/v1/whoami', bearer),
    'GET /v1/audit/stream': () => beginningOf('/v1/audit/stream', bearer),
    'GET /v1/audit/export': () => v1.get('/v1/audit/export', bearer),
    'GET /v1/audit': () => v1.get('/v1/audit?limit=3', bearer),
    'POST /v1/projects': () => v1.post('/v1/projects', { name: 'Shop' }, bearer),
    'GET /v1/projects': () => v1.get('/v1/projects?limit=2', bearer),
    'GET /v1/projects/{id}': () => v1.get('/v1/projects/default', bearer),
    'PATCH /v1/projects/{id}': () => send('PATCH', project, { name: 'Shop' }),
    'GET /v1/projects/{id}/redirect-origins': () => v1.get(`${project}/redirect-origins`, bearer),
    'PUT /v1/projects/{id}/redirect-origins': () =>
      send('PUT', `${project}/redirect-origins`, { origins: ['https://app.example'] }),
    'POST /v1/api-keys': newPlatformKey,
    'GET /v1/api-keys': () => v1.get('/v1/api-keys', bearer),
    'DELETE /v1/api-keys/{id}': async () =>
      v1.call('DELETE', `/v1/api-keys/${id(await newPlatformKey())}`, undefined, bearer),
    'GET /v1/connections': () => v1.get('/v1/connections', bearer),
    'GET /v1/connections/{id}': () => v1.get(`/v1/connections/${platformConnectionId(bank.id)}`, bearer),
    'GET /v1/servers': () => v1.get('/v1/servers', bearer),
    'GET /v1/providers': () => v1.get('/v1/providers', bearer),
    'GET /v1/servers/{id}': () => v1.get('/v1/servers/stripe', bearer),
    'GET /v1/providers/{id}': () => v1.get('/v1/providers/stripe', bearer),
    'GET /v1/servers/{id}/auth-schema': () => v1.get('/v1/servers/stripe/auth-schema', bearer),
    'GET /v1/providers/{id}/auth-schema': () => v1.get('/v1/providers/stripe/auth-schema', bearer),
    // A genuine delivery comes from the bank alone; the documented answer to anything else is a refusal.
    'POST /v1/webhooks/{server_id}': () => v1.post('/v1/webhooks/teller', {}),
    'POST /v1/webhooks/{server_id}/{connection_id}': () =>
      v1.post(`/v1/webhooks/plaid/${platformConnectionId(bank.id)}`, {}),
  };
}

describe('every documented operation', () => {
  it('answers over HTTP as the document says: status, required fields, and no other ones', async () => {
    const wrong: string[] = [];
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method.toUpperCase()} ${path}`;
        const recipe = recipes[name];
        if (!recipe) {
          wrong.push(`${name}: no request of this test asks for it`);
          continue;
        }
        const answer = await recipe();
        wrong.push(...drift(name, operation, answer));
        const writes = method !== 'get' && answer.status < 300 && !leavesNothing.test(path);
        if (writes) written.set(answer.headers.get('x-request-id')!, name);
        if (writes) wrong.push(...(await unread(name)));
      }
    }
    expect(wrong).toEqual([]);
  });

  it('stands on the timeline when it has written something, with who wanted it (I16)', async () => {
    expect(written.size).toBeGreaterThan(20);
    const { id: caller } = keyIdentity(key);
    const text = `select request_id, actor_id from audit_entries where request_id in ('${[...written.keys()].join("','")}')`;
    const missing = async () => {
      const rows = await query<{ request_id: string; actor_id: string }>(stack.run().databases['audit']!, text);
      const seen = new Set(rows.filter(({ actor_id }) => actor_id === caller).map(({ request_id }) => request_id));
      return [...written].filter(([request]) => !seen.has(request)).map(([, name]) => name);
    };
    expect(await until(missing, ({ length }) => length === 0).catch(missing)).toEqual([]);
  });

  it('is one of those that this test asks for, and the other way round', () => {
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(Object.keys(recipes).sort()).toEqual(documented.sort());
  });
});

const LISTS = ['/api/v1/users', '/api/v1/connections', '/api/v1/connections/link', '/api/v1/api-keys', '/api/v1/audit'];

/** A view that never hears of a write would keep each later read of the same key waiting. */
async function unread(write: string): Promise<string[]> {
  const answers = await Promise.all(LISTS.map((path) => api.get(`${path}?limit=1`)));
  return answers.flatMap(({ status }, n) => (status === 200 ? [] : [`after ${write}: ${LISTS[n]} answered ${status}`]));
}

/** What differs between an answer and its description. */
function drift(name: string, { responses }: Operation, { status, body, text }: Answer): string[] {
  const described = responses[String(status)];
  if (!described) return [`${name}: answered ${status} ${text.slice(0, 200)}, which is not documented`];
  if (status >= 400 && !name.includes('/webhooks/')) return [`${name}: answered ${status} ${text.slice(0, 200)}`];
  if (!described.content) return text === '' ? [] : [`${name}: has a body and should have none`];
  const schema = described.content['application/json']?.schema;
  if (!schema) return Object.keys(described.content).every(isStreamed) ? [] : [`${name}: has no JSON described`];
  const pointed = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
  const validate = ajv.compile(pointed);
  return validate(body) ? [] : [`${name}: ${ajv.errorsText(validate.errors)} in ${text.slice(0, 300)}`];
}

const isStreamed = (type: string): boolean => /event-stream|ndjson|csv/.test(type);
