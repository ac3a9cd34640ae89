import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type KeyScope, platformScopes } from '#contracts/key.js';
import { newHouseholdKey, newPlatformKey } from '#contracts/secrets.js';
import {
  adminKey,
  expiredKey,
  keyWith,
  platformAdmin,
  platformReader,
  readKey,
  revokedKey,
  startGateway,
  testAdminKey,
  type TestGateway,
} from '../test/gateway.js';
import { connectionView, sessionView } from '../test/views.js';
import type { Access } from './access.js';
import { RouteTable } from './route-table.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ SANDBOX: 'true' });
  gateway.bus.answers['link-session.get'] = () => sessionView;
  gateway.bus.answers['connection.get'] = () => connectionView;
  gateway.bus.answers['connection.platform.get'] = () => connectionView;
});
afterAll(() => gateway.app.close());
beforeEach(() => {
  gateway.bus.asked.length = 0;
});

const read = { method: 'GET' as const, url: '/api/v1/connections/link/sess0001' };
const change = { method: 'POST' as const, url: '/api/v1/users', payload: {} };
const sensitiveRead = { method: 'GET' as const, url: '/api/v1/api-keys' };

async function outcome(request: typeof read | typeof change, headers: Record<string, string>) {
  const { status, json } = await gateway.call({ ...request, headers: { 'x-api-key': '', ...headers } });
  return [status, json.error?.code ?? 'ok', json.error?.message ?? ''] as const;
}

describe('a household key', () => {
  const wrong = newHouseholdKey();
  it.each([
    ['no header', read, {}, 401, 'MISSING_API_KEY'],
    ['an empty header', read, { 'x-api-key': '' }, 401, 'MISSING_API_KEY'],
    ['another prefix', read, { 'x-api-key': 'sk_123' }, 401, 'INVALID_API_KEY'],
    ['the wrong length', read, { 'x-api-key': 'bb_123' }, 401, 'INVALID_API_KEY'],
    ['a platform key', read, { 'x-api-key': platformReader }, 401, 'INVALID_API_KEY'],
    ['a key nobody has', read, { 'x-api-key': wrong }, 401, 'INVALID_API_KEY'],
    ['a revoked key', read, { 'x-api-key': revokedKey }, 401, 'REVOKED_API_KEY'],
    ['an expired key', read, { 'x-api-key': expiredKey }, 401, 'EXPIRED_API_KEY'],
    ['read_only on a change', change, { 'x-api-key': readKey }, 403, 'FORBIDDEN'],
    ['read_only on a sensitive read', sensitiveRead, { 'x-api-key': readKey }, 403, 'FORBIDDEN'],
    ['read_only on a read', read, { 'x-api-key': readKey }, 200, 'ok'],
    ['full_access on a read', read, { 'x-api-key': adminKey }, 200, 'ok'],
    ['full_access on a change', change, { 'x-api-key': adminKey }, 400, 'INVALID_BODY'],
    ['the key as Bearer', read, { authorization: `Bearer ${readKey}` }, 200, 'ok'],
    ['a platform key as Bearer', read, { authorization: `Bearer ${platformReader}` }, 401, 'INVALID_API_KEY'],
    ['another scheme', read, { authorization: `Basic ${readKey}` }, 401, 'MISSING_API_KEY'],
  ] as const)('%s', async (...[, request, headers, status, code]) => {
    const body = 'payload' in request ? { ...request, payload: '[]' } : request;
    expect((await outcome(body as typeof change, headers)).slice(0, 2)).toEqual([status, code]);
  });

  it('is asked for in these words', async () => {
    expect((await outcome(read, {}))[2]).toBe('X-API-Key header is required.');
  });

  it('may come as Bearer, as a refusal says', async () => {
    const { headers } = await gateway.call({ ...read, headers: { 'x-api-key': '' } });
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  it('that has not its shape is refused before any look-up', async () => {
    await outcome(read, { 'x-api-key': 'bb_123' });
    await outcome(read, { 'x-api-key': platformReader });
    expect(gateway.bus.keysAsked).toBe(0);
  });

  it('stands on the bus as its actor and its prefix, never itself', async () => {
    await outcome(read, { 'x-api-key': adminKey });
    const { ask } = gateway.bus.asked.find(({ subject }) => subject === 'link-session.get')!;
    expect(ask).toMatchObject({
      context: { actor: { type: 'api_key', name: 'a key' }, key_prefix: adminKey.slice(0, 11), address: '127.0.0.1' },
    });
    expect(JSON.stringify(gateway.bus.asked)).not.toContain(adminKey);
  });
});

describe('a household key of test', () => {
  it.each(['/api/v1/vault/rotate', '/api/v1/replays'])('changes nothing that holds for live: %s', async (url) => {
    const headers = { 'x-api-key': testAdminKey };
    const { status, json } = await gateway.call({ method: 'POST', url, headers });
    expect([status, json.error]).toEqual([
      403,
      { code: 'FORBIDDEN', message: 'A test key changes nothing that holds for live.' },
    ]);
    expect(gateway.bus.asked.filter(({ subject }) => /vault|replay/.test(subject))).toEqual([]);
  });
});

describe('a platform key', () => {
  const url = `/v1/connections/conn_${'0'.repeat(22)}`;
  const mistyped = platformReader.slice(0, -1) + (platformReader.endsWith('A') ? 'B' : 'A');
  it.each([
    ['no header', '', 401, 'unauthorized'],
    ['another scheme', `Basic ${platformReader}`, 401, 'unauthorized'],
    ['a mistyped key', `Bearer ${mistyped}`, 401, 'unauthorized'],
    ['a key nobody has', `Bearer ${newPlatformKey('live')}`, 401, 'unauthorized'],
    ['a revoked key', `Bearer ${revokedKey}`, 401, 'unauthorized'],
    ['an expired key', `Bearer ${expiredKey}`, 401, 'unauthorized'],
    ['the scope', `Bearer ${platformReader}`, 200, undefined],
    ['another set with the scope', `Bearer ${platformAdmin}`, 200, undefined],
    ['a household key that may read', `Bearer ${readKey}`, 200, undefined],
    ['a household key that may do all', `bearer ${adminKey}`, 200, undefined],
  ])('%s', async (_, authorization, status, code) => {
    const answer = await gateway.call({ method: 'GET', url, headers: { authorization } });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('is not read from X-API-Key', async () => {
    expect((await gateway.call({ method: 'GET', url, headers: { 'x-api-key': adminKey } })).status).toBe(401);
  });

  it('that is mistyped is refused without a look-up', async () => {
    await gateway.call({ method: 'GET', url, headers: { authorization: `Bearer ${mistyped}` } });
    expect(gateway.bus.keysAsked).toBe(0);
  });

  it.each([
    [readKey, 403],
    [adminKey, 400],
    [platformReader, 403],
    [platformAdmin, 400],
  ])('%s needs keys:write to make keys', async (key, status) => {
    const headers = { authorization: `Bearer ${key}` };
    expect((await gateway.call({ method: 'POST', url: '/v1/api-keys', headers, payload: {} })).status).toBe(status);
  });
});

/** Who may do what, as the API promises it and not as the code declares it: written by hand, so that a slip there shows here. */
const promised: Record<Access, string[]> = {
  public: [
    'GET /health/live',
    'GET /health/ready',
    'POST /v1/webhooks/:server_id',
    'POST /v1/webhooks/:server_id/:connection_id',
  ],
  any: [
    'GET /api/v1/audit',
    'GET /api/v1/audit/export',
    'GET /api/v1/audit/stream',
    'GET /api/v1/connections',
    'GET /api/v1/connections/:id',
    'GET /api/v1/connections/:id/status',
    'GET /api/v1/connections/:id/timeline',
    'GET /api/v1/connections/link',
    'GET /api/v1/connections/link/:id',
    'GET /api/v1/connections/link/:id/events',
    'GET /api/v1/connections/link/:id/timeline',
    'GET /api/v1/keys/me',
    'GET /api/v1/sandbox/ledger',
    'GET /api/v1/users',
    'GET /api/v1/users/:id',
    'GET /v1/whoami',
  ],
  full_access: [
    'POST /api/v1/connections/link',
    'DELETE /api/v1/connections/link/:id',
    'POST /api/v1/connections/:id/relink',
    'DELETE /api/v1/connections/:id',
    'POST /api/v1/users',
    'PATCH /api/v1/users/:id',
    'DELETE /api/v1/users/:id',
    // Reads that are no business of everybody who may read.
    'GET /api/v1/users/:id/login',
    'GET /api/v1/api-keys',
    'GET /api/v1/api-keys/:id',
    'GET /api/v1/api-keys/:id/timeline',
    'POST /api/v1/api-keys',
    'PATCH /api/v1/api-keys/:id',
    'POST /api/v1/api-keys/:id/rotate',
    'DELETE /api/v1/api-keys/:id',
    'POST /api/v1/erasures',
    'GET /api/v1/replays',
    'GET /api/v1/replays/:id',
    'POST /api/v1/replays',
    'GET /api/v1/vault',
    'POST /api/v1/vault/rotate',
    'POST /api/v1/sandbox/connections/:id/require-login',
  ],
  'connections:read': [
    'GET /v1/audit',
    'GET /v1/audit/export',
    'GET /v1/audit/stream',
    'GET /v1/connections',
    'GET /v1/connections/:id',
  ],
  'connections:write': [
    'POST /v1/connections',
    'POST /v1/connections/:id/revoke',
    'PATCH /v1/connections/:id/metadata',
    'PUT /v1/connections/:id/webhook-secret',
    'DELETE /v1/connections/:id',
    'POST /v1/connections/hmac-validate',
    'POST /v1/connections/jwt-validate',
    'POST /v1/connections/start',
    'POST /v1/connect/start',
  ],
  'servers:read': [
    'GET /v1/servers',
    'GET /v1/servers/:id',
    'GET /v1/servers/:id/auth-schema',
    'GET /v1/providers',
    'GET /v1/providers/:id',
    'GET /v1/providers/:id/auth-schema',
  ],
  'sessions:read': ['GET /v1/sessions', 'GET /v1/sessions/:id', 'GET /v1/sessions/:id/connections'],
  'sessions:create': ['POST /v1/sessions', 'POST /v1/sessions/:id/close', 'DELETE /v1/sessions/:id'],
  'keys:write': [
    'POST /v1/api-keys',
    'GET /v1/api-keys',
    'DELETE /v1/api-keys/:id',
    'POST /v1/projects',
    'GET /v1/projects',
    'GET /v1/projects/:id',
    'PATCH /v1/projects/:id',
    'GET /v1/projects/:id/redirect-origins',
    'PUT /v1/projects/:id/redirect-origins',
  ],
};
const routes = Object.entries(promised).flatMap(([access, all]) =>
  all.map((route) => [route, access as Access] as const),
);

function call(route: string, key: string) {
  const [method, path] = route.split(' ') as ['GET', string];
  const headers = { 'x-api-key': '', authorization: `Bearer ${key}`, 'x-request-id': 'r1' };
  return gateway.call({ method, url: path.replace(/:\w+/g, 'x'), headers });
}

describe('what a key must hold', () => {
  it('is what is promised, of every route there is', () => {
    const declared = gateway.app
      .get(RouteTable)
      .endpoints.map(({ method, path, access }) => [`${method} ${path}`, access]);
    expect(Object.fromEntries(declared)).toEqual(Object.fromEntries(routes));
  });

  it.each(routes.filter(([, access]) => access !== 'public' && access !== 'any'))(
    'to %s is refused to a key with all scopes but %s',
    async (route, access) => {
      const others: KeyScope[] = platformScopes.filter((scope) => scope !== access);
      const { status, json } = await call(route, access === 'full_access' ? readKey : keyWith(others));
      const message = `This needs the scope ${access}.`;
      const household = { error: { code: 'FORBIDDEN', message } };
      const flat = { code: 'forbidden', message };
      const platform = { error: flat, ...flat, request_id: 'r1' };
      expect([status, json]).toEqual([403, access === 'full_access' ? household : platform]);
    },
  );
});
