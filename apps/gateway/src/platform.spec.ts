import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlatformConnection } from '#contracts/api/platform-connections.js';
import type { ConnectionState } from '#contracts/connection.js';
import { agentSessionId, parsePlatformConnectionId, platformConnectionId } from '#contracts/ids.js';
import { isPlatformKey } from '#contracts/secrets.js';
import { answers } from '../test/answers.js';
import { adminKey, platformAdmin, platformReader, readKey, startGateway, type TestGateway } from '../test/gateway.js';
import { agentSessionView, connectionView } from '../test/views.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  Object.assign(gateway.bus.answers, answers);
});
afterAll(() => gateway.app.close());

const get = (url: string, key = adminKey) =>
  gateway.call({ method: 'GET', url, headers: { authorization: `Bearer ${key}` } });
const createKey = (payload: object, key = adminKey) =>
  gateway.call({ method: 'POST', url: '/v1/api-keys', payload, headers: { authorization: `Bearer ${key}` } });

describe('whoami', () => {
  it('says what the key may do, in the platform’s scopes', async () => {
    expect((await get('/v1/whoami', platformReader)).json).toMatchObject({
      project: { id: connectionView.project_id },
      key: { environment: 'live', scopes: ['connections:read'] },
    });
    expect((await get('/v1/whoami', readKey)).json.key.scopes).toEqual([
      'connections:read',
      'servers:read',
      'sessions:read',
    ]);
    expect((await get('/v1/whoami')).json.key.scopes).toContain('keys:write');
  });
});

describe('the live timeline', () => {
  it.each([
    ['/v1', 'invalid_query'],
    ['/api/v1', 'VALIDATION_ERROR'],
  ])('on %s refuses an odd id of an event as %s', async (surface, code) => {
    const headers = { authorization: `Bearer ${adminKey}`, 'last-event-id': 'x' };
    const { status, json } = await gateway.call({ url: `${surface}/audit/stream`, headers });
    expect([status, json.error.code]).toEqual([400, code]);
  });
});

describe('the past', () => {
  it('is not asked for where the answer would be what is now', async () => {
    const session = `/v1/sessions/${agentSessionId(agentSessionView.id)}/connections`;
    for (const [url, code] of [
      [session, 'invalid_query'],
      ['/v1/connections', 'invalid_query'],
      ['/api/v1/connections', 'VALIDATION_ERROR'],
    ]) {
      const { status, json } = await get(`${url}?as_of=2026-01-01T00:00:00Z`);
      expect([url, status, json.error.code]).toEqual([url, 400, code]);
      expect((await get(`${url}?as_of=`)).status).toBe(200);
    }
  });

  it('of the caller’s own key is answered as that of any', async () => {
    expect((await get('/api/v1/keys/me?as_of=4711')).status).toBe(200);
    expect(gateway.bus.asked.at(-1)).toMatchObject({ subject: 'key.get', ask: { as_of: { position: '4711' } } });
    expect((await get('/api/v1/keys/me?as_of=once')).json.error.code).toBe('VALIDATION_ERROR');
  });
});

describe('a connection on the platform', () => {
  const asState = async (state: ConnectionState, error_code: string | null = null): Promise<PlatformConnection> => {
    gateway.bus.answers['connection.platform.get'] = () => ({ ...connectionView, state, error_code });
    return (await get(`/v1/connections/${platformConnectionId(connectionView.id)}`)).json as PlatformConnection;
  };

  it('has the platform’s words for the same thing', async () => {
    const shown = await asState('connected');
    expect(shown).toMatchObject({
      user_id: connectionView.user_id,
      server_id: 'plaid',
      auth_type: 'hosted_link',
      status: 'connected',
      connected_at: connectionView.created_at,
      connection_metadata: {},
      expires_at: null,
    });
    expect(parsePlatformConnectionId(shown.id)).toBe(connectionView.id);
  });

  it.each([
    ['connected', 'connected'],
    ['error', 'connected'],
    ['needs_reauth', 'expired'],
    ['revoked', 'revoked'],
  ] as const)('that is %s inside is %s', async (state, status) => expect((await asState(state)).status).toBe(status));

  it('carries a provider’s error in its metadata', async () => {
    expect((await asState('error', 'ITEM_LOCKED')).metadata).toMatchObject({ error_code: 'ITEM_LOCKED' });
    expect((await asState('connected')).metadata).not.toHaveProperty('error_code');
  });

  it('is not found by anything but its conn_ id', async () => {
    for (const id of [connectionView.id, connectionView.short_id, 'conn_x', `conn_${'z'.repeat(22)}`]) {
      const { status, json } = await get(`/v1/connections/${id}`);
      expect([id, status, json.code, json.message]).toEqual([id, 404, 'not_found', 'Connection not found']);
    }
  });

  it('is listed by server, status and the caller’s own name for a user', async () => {
    await get('/v1/connections?server_id=plaid&status=connected&user_id=customer 42');
    expect(gateway.bus.asked.at(-1)).toMatchObject({
      subject: 'connection.platform.list',
      ask: { server_id: 'plaid', status: 'connected', user_id: 'customer 42', limit: 50 },
    });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'status=active', 'server_id=' + 'x'.repeat(65)])(
    'is not listed with %s',
    async (query) => {
      const { status, json } = await get(`/v1/connections?${query}`);
      expect([status, json.code]).toEqual([400, 'invalid_query']);
    },
  );
});

describe('the metadata of a connection', () => {
  const ofPlaid = '{"server_id":"plaid","user_id":null,"secret":"s",';
  /** As Python writes it: three bytes for each that the metadata has. */
  const written = (characters: number) => `"connection_metadata":{"a":"${'\\u00e9'.repeat(characters)}"}}`;
  const send = async (characters: number) => {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
    const path = `/v1/connections/${platformConnectionId(connectionView.id)}/metadata`;
    const payload = written(characters);
    return Promise.all([
      gateway.call({ method: 'POST', url: '/v1/connections', headers, payload: ofPlaid + payload }),
      gateway.call({ method: 'PATCH', url: path, headers, payload: `{${payload}` }),
    ]);
  };

  it('may be written with every character escaped', async () => {
    expect((await send(16_000)).map(({ status }) => status)).toEqual([201, 200]);
  });

  it('is refused by its own size, and only far beyond that by the size of the body', async () => {
    // What a change makes of it is judged where the metadata lies.
    expect((await send(17_000)).map(({ status }) => status)).toEqual([400, 200]);
    expect((await send(44_000)).map(({ status }) => status)).toEqual([413, 413]);
  });
});

describe('a platform key', () => {
  it('is made with a checksum and shown once', async () => {
    const { status, json, headers } = await createKey({ name: ' Agent ', env: 'test', scopes: ['sessions:create'] });
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    expect(json).toMatchObject({ name: 'Agent', environment: 'test', scopes: ['sessions:create'], revoked_at: null });
    expect(json.full_key).toMatch(/^csk_test_/);
    expect(isPlatformKey(json.full_key as string)).toBe(true);
    expect(json.prefix).toBe((json.full_key as string).slice(0, 17));
  });

  it('may read when nothing is said, within what its maker may', async () => {
    expect((await createKey({ name: 'x' })).json.scopes).toEqual(['connections:read', 'servers:read', 'sessions:read']);
    expect((await createKey({ name: 'x' }, platformAdmin)).json.scopes).toEqual(['connections:read']);
  });

  it('never gets a scope its maker has not', async () => {
    const { status, json } = await createKey({ name: 'x', scopes: ['connections:write'] }, platformAdmin);
    expect([status, json.code]).toEqual([403, 'forbidden']);
  });

  it.each([
    [{ name: 'x', env: 'prod' }, 'env must be "live" or "test"'],
    [{ name: 'x', scopes: ['all'] }, 'scopes.0 must be one of'],
    [{ name: 'x', scopes: 'all' }, 'scopes must be a list'],
    [{ name: 'x'.repeat(81) }, 'name must be at most 80 characters'],
  ])('is not made of %j', async (body, message) => {
    const { status, json } = await createKey(body);
    expect([status, json.code]).toEqual([400, 'invalid_body']);
    expect(json.message).toContain(message);
  });
});
