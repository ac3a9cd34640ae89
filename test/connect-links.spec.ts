import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import type { AuditEntry } from '#contracts/audit.js';
import type { ConnectionEvent } from '#contracts/connection.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { readStream } from '#eventstore/read-stream.js';
import { until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { anotherOAuth } from './another-oauth.js';
import { patiently, type PlatformCaller, platformCaller, refused, said, someone } from './platform-caller.js';

const stack = sharedStack();
const redirect_uri = 'https://app.example/done?keep=1';
let api: PlatformCaller;
let bank: string;
let database: DataSource;
let events: EventStoreDBClient;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  bank = stack.run().parts['sandbox-bank']!.url!;
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['connection']! }).initialize();
  events = connectEventStore(stack.run().eventstore.url);
});

afterAll(async () => {
  await database.destroy();
  await events.dispose();
});

const start = (fields: object = {}) =>
  patiently(() =>
    api.post('/v1/connections/start', { server_id: 'sandbox-oauth', user_id: someone(), redirect_uri, ...fields }),
  );

interface Started {
  link_token: string;
  authorize_url: string;
  expires_at: string;
}

/** What the person does on the bank's page, without a browser; answers the callback's address. */
async function decide(authorize: string, decision: 'approve' | 'deny', trouble = 'none'): Promise<string> {
  const page = await fetch(authorize);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(`value="${decision}"`)]);
  const answer = await fetch(authorize, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ decision, trouble }).toString(),
  });
  return answer.headers.get('location')!;
}

/** Where the callback sends the browser; the status and the page when it does not. */
async function callback(address: string) {
  const answer = await fetch(address, { redirect: 'manual', headers: { 'accept-language': 'en' } });
  const location = answer.headers.get('location');
  const result = location ? Object.fromEntries(new URL(location).searchParams) : {};
  return { status: answer.status, location, result, text: await answer.text() };
}

async function linked(fields: object = {}, trouble?: string): Promise<string> {
  const { body } = await start(fields);
  const { status, result } = await callback(await decide((body as Started).authorize_url, 'approve', trouble));
  const connected = { keep: '1', status: 'connected', connection_id: expect.stringMatching(/^conn_/) };
  expect([status, result]).toEqual([303, connected]);
  return result['connection_id']!;
}

const show = async (id: string) => (await api.get(`/v1/connections/${id}`)).body as Record<string, unknown>;
/** Of a refresh against a new link, each begun a little later than in the round before. */
const ROUNDS = 8;

const refreshesOf = async (account: unknown): Promise<number> => {
  const { grants } = (await (await fetch(`${bank}/sandbox/oauth/grants`)).json()) as {
    grants: { id: string; user_id: unknown; refreshes: number }[];
  };
  return grants.find(({ user_id }) => user_id === account)!.refreshes;
};
const kill = async (account: unknown) => {
  const { grants } = (await (await fetch(`${bank}/sandbox/oauth/grants`)).json()) as {
    grants: { id: string; user_id: unknown }[];
  };
  const { id } = grants.find(({ user_id }) => user_id === account)!;
  await fetch(`${bank}/sandbox/oauth/grants/${id}/kill`, { method: 'POST' });
};

describe('a Connect Link', () => {
  it('starts with a state, PKCE and ten minutes, and binds nothing that the browser could change', async () => {
    const { status, body } = await start({ user_id: 'u1', scopes: ['read'] });
    expect([status, Object.keys(body as Started).sort()]).toEqual([200, ['authorize_url', 'expires_at', 'link_token']]);
    const { link_token, authorize_url, expires_at } = body as Started;
    const sent = Object.fromEntries(new URL(authorize_url).searchParams);
    expect(sent).toEqual({
      ...{ response_type: 'code', client_id: 'latchkey-sandbox', state: link_token, scope: 'read' },
      ...{ code_challenge: expect.stringMatching(/^[\w-]{43}$/), code_challenge_method: 'S256' },
      redirect_uri: `${stack.url}/v1/connect/callback/sandbox-oauth`,
    });
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 600_000)).toBeLessThan(60_000);
  });

  it.each(['sandbox-oauth', 'mercadopago', 'shopify'])(
    'to %s makes the connection, whose tokens nobody sees',
    async (server_id) => {
      const user_id = someone();
      const id = await linked({ server_id, user_id, ...(server_id === 'shopify' && { shop: 'my-shop' }) });
      expect(await show(id)).toMatchObject({
        ...{ id, user_id, server_id, auth_type: 'oauth', status: 'connected', expires_at: null, revoked_at: null },
        metadata: {
          ...(server_id === 'shopify' ? { shop: 'my-shop' } : { user_id: expect.any(Number) }),
        },
      });
      expect(JSON.stringify(await show(id))).not.toMatch(/APP_USR|TG-|shpat|shprt/);
    },
  );

  it('made again for the same user rotates the live connection', async () => {
    const user_id = someone();
    const first = await linked({ user_id });
    const before = await show(first);
    expect(await linked({ user_id })).toBe(first);
    const after = await show(first);
    expect((after['metadata'] as { user_id: number }).user_id).not.toBe(
      (before['metadata'] as { user_id: number }).user_id,
    );
    await api.post(`/v1/connections/${first}/revoke`);
    expect(await linked({ user_id })).not.toBe(first);
  });

  it('that the person denies comes back so, and makes nothing', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const { status, result } = await callback(await decide((body as Started).authorize_url, 'deny'));
    expect([status, result]).toEqual([303, { keep: '1', status: 'denied', error: 'access_denied' }]);
    expect((await api.get(`/v1/connections?user_id=${user_id}`)).body.connections).toEqual([]);
  });

  it('whose code has expired comes back as an error', async () => {
    const { body } = await start();
    const { result } = await callback(await decide((body as Started).authorize_url, 'approve', 'expired_code'));
    expect(result).toEqual({ keep: '1', status: 'error', error: 'code_expired' });
  });

  it('works once, of two at the same moment too; forged and foreign states get a page and change nothing', async () => {
    const { body } = await start();
    const address = await decide((body as Started).authorize_url, 'approve');
    const both = await Promise.all([callback(address), callback(address)]);
    expect(both.map(({ status }) => status).sort()).toEqual([303, 404]);
    const state = (await start()).body.link_token as string;
    const at = `${stack.url}/v1/connect/callback`;
    for (const path of [
      `sandbox-oauth?state=${'x'.repeat(43)}&code=a`,
      `mercadopago?state=${state}&code=a`,
      'acme',
      'sandbox-oauth?state=a&state=b',
    ])
      expect(await callback(`${at}/${path}`)).toMatchObject({
        status: 404,
        location: null,
        text: expect.stringContaining('This link is no longer valid'),
      });
  });

  it('that has expired says so to the app', async () => {
    const { body } = await start();
    const address = await decide((body as Started).authorize_url, 'approve');
    await database.query(`update connect_links set expires_at = now() where state_hash = ${hashed}`, [
      (body as Started).link_token,
    ]);
    expect((await callback(address)).result).toEqual({ keep: '1', status: 'error', error: 'link_expired' });
  });

  it('of a worker that died after the code was in hand is finished by another', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const address = await decide((body as Started).authorize_url, 'approve');
    await anotherOAuth(stack, { events, database }).takesCodeAndDies('sandbox-oauth', new URL(address).searchParams);
    const list = () => api.get(`/v1/connections?user_id=${user_id}`);
    const { body: page } = await until(list, (seen) => (seen.body.connections as unknown[]).length === 1, 20_000);
    expect(page.connections[0]).toMatchObject({ server_id: 'sandbox-oauth', status: 'connected' });
    expect(typesOf(await recordOf(user_id, 2))).toEqual(['ConnectLinkStarted', 'ConnectLinkConnected']);
  });

  it.each([
    ['an unknown server', { server_id: 'acme' }, 404, 'server_unknown'],
    ['a server without OAuth', { server_id: 'stripe' }, 404, 'server_oauth_not_configured'],
    ['one whose grant needs nobody', { server_id: 'nuvem-fiscal' }, 404, 'server_oauth_not_configured'],
    ['no user', { user_id: null }, 400, 'invalid_body'],
    ['an address without TLS', { redirect_uri: 'http://app.example/' }, 400, 'invalid_body'],
    ['a script for an address', { redirect_uri: 'javascript:alert(1)' }, 400, 'invalid_body'],
    ['Shopify without a shop', { server_id: 'shopify' }, 400, 'invalid_body'],
    ['a scope with a space', { scopes: ['a b'] }, 400, 'invalid_body'],
  ])('is refused for %s', async (_, fields, status, code) =>
    expect(said(await start(fields))).toEqual(refused(status, code)),
  );

  it('needs connections:write, and has an older name', async () => {
    const reader = await platformCaller(stack.run(), 'read_only');
    const body = { server_id: 'sandbox-oauth', user_id: 'u', redirect_uri };
    expect(said(await reader.post('/v1/connect/start', body))).toEqual(refused(403, 'forbidden'));
    expect((await api.post('/v1/connect/start', body)).status).toBe(200);
  });
});

/** What the timeline tells of the link that was started for this user, once it is as much as that. */
async function recordOf(user_id: string, length: number, limitMs?: number): Promise<AuditEntry[]> {
  const entriesOf = async (query: string) =>
    (await api.get(`/v1/audit?order=asc&limit=200&${query}`)).body.entries as AuditEntry[];
  return until(
    async () => {
      const starts = await entriesOf('type=ConnectLinkStarted');
      const { subject } = starts.find(({ data }) => data['user_id'] === user_id)!;
      return entriesOf(`subject=${subject.id}`);
    },
    (entries) => entries.length >= length,
    limitMs,
  );
}

const typesOf = (entries: AuditEntry[]) => entries.map(({ type }) => type);
const hashed = "encode(sha256($1::bytea), 'hex')";
const byThePerson = {
  actor: { type: 'person', id: 'connect_link' },
  origin: { address: expect.stringMatching(/127\.0\.0\.1|::1/), key_prefix: null },
};

describe('the record of a Connect Link', () => {
  it('tells of its start, its connection and each further use, and no secret', async () => {
    const user_id = someone();
    const { body, headers } = await start({ user_id });
    const { link_token, authorize_url, expires_at } = body as Started;
    const [started] = await recordOf(user_id, 1);
    expect(started).toMatchObject({
      subject: { kind: 'connect_link', short_id: expect.stringMatching(/^\w{8}$/) },
      actor: { type: 'api_key' },
      request_id: headers.get('x-request-id'),
      data: { server_id: 'sandbox-oauth', user_id, redirect_uri: 'https://app.example/done', expires_at },
      summary: `A Connect Link to sandbox-oauth was started for ${user_id}, valid until ${expires_at}.`,
    });
    const address = await decide(authorize_url, 'approve');
    const { result } = await callback(address);
    await recordOf(user_id, 2);
    for (const _ of ['second', 'third']) expect((await callback(address)).status).toBe(404);
    const entries = await recordOf(user_id, 4);
    expect(typesOf(entries)).toEqual([
      'ConnectLinkStarted',
      'ConnectLinkConnected',
      'ConnectLinkUseRefused',
      'ConnectLinkUseRefused',
    ]);
    for (const entry of entries.slice(1)) expect(entry).toMatchObject(byThePerson);
    expect(new Set(entries.map(({ request_id }) => request_id)).size).toBe(4);
    expect(entries[1]!.data).toMatchObject({ connection_id: parsePlatformConnectionId(result['connection_id']!) });

    const read = await readStream(events, `connect_link-${started!.subject.id}`);
    const kept = JSON.stringify(read.events, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    const hash = createHash('sha256').update(link_token).digest('hex');
    const code = new URL(address).searchParams.get('code')!;
    for (const secret of [link_token, hash, code]) expect(kept).not.toContain(secret);
    expect(kept).not.toMatch(/APP_USR|TG-|access_token|verifier/);
  });

  it.each([
    ['deny', 'none', 'ConnectLinkDenied', {}],
    ['approve', 'expired_code', 'ConnectLinkFailed', { error: 'code_expired' }],
  ] as const)('tells how it ended after %s, %s', async (decision, trouble, type, data) => {
    const user_id = someone();
    const { body } = await start({ user_id });
    await callback(await decide((body as Started).authorize_url, decision, trouble));
    const entries = await recordOf(user_id, 2);
    expect(typesOf(entries)).toEqual(['ConnectLinkStarted', type]);
    expect(entries[1]).toMatchObject({ ...byThePerson, data });
  });

  it('tells that somebody came too late', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const { link_token, authorize_url } = body as Started;
    const address = await decide(authorize_url, 'approve');
    await database.query(`update connect_links set expires_at = now() where state_hash = ${hashed}`, [link_token]);
    await callback(address);
    const entries = await recordOf(user_id, 2);
    expect(entries[1]).toMatchObject({ type: 'ConnectLinkExpired', ...byThePerson });
  });

  it('tells that nobody came, and then its row goes', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const { link_token, authorize_url } = body as Started;
    const address = await decide(authorize_url, 'approve');
    const past = `update connect_links set created_at = now() - interval '61 minutes' where state_hash = ${hashed}`;
    await database.query(past, [link_token]);
    const entries = await recordOf(user_id, 2, 20_000);
    expect(entries[1]).toMatchObject({ type: 'ConnectLinkExpired', actor: { type: 'system', id: 'expiry' } });
    const row = `select from connect_links where state_hash = ${hashed}`;
    await until(
      () => database.query<unknown[]>(row, [link_token]),
      (rows) => rows.length === 0,
    );
    expect((await callback(address)).status).toBe(404);
    expect(typesOf(await recordOf(user_id, 3)).at(-1)).toBe('ConnectLinkUseRefused');
  });

  it('tells of both of two uses at the same moment', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const address = await decide((body as Started).authorize_url, 'approve');
    await Promise.all([callback(address), callback(address)]);
    const types = typesOf(await recordOf(user_id, 3));
    expect(types.sort()).toEqual(['ConnectLinkConnected', 'ConnectLinkStarted', 'ConnectLinkUseRefused']);
  });

  it('tells nothing of the callback of another server, which uses no link up', async () => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const { link_token, authorize_url } = body as Started;
    await callback(`${stack.url}/v1/connect/callback/mercadopago?state=${link_token}&code=a`);
    await callback(await decide(authorize_url, 'deny'));
    expect(typesOf(await recordOf(user_id, 2))).toEqual(['ConnectLinkStarted', 'ConnectLinkDenied']);
  });

  it.each(['before', 'after'] as const)('tells the end once when a worker died %s it was written', async (when) => {
    const user_id = someone();
    const { body } = await start({ user_id });
    const { link_token, authorize_url } = body as Started;
    const address = new URL(await decide(authorize_url, 'deny'));
    await anotherOAuth(stack, { events, database }).hearsNoAndDies('sandbox-oauth', address.searchParams, when);
    const row = `select from connect_links where state_hash = ${hashed}`;
    await until(
      () => database.query<unknown[]>(row, [link_token]),
      (rows) => rows.length === 0,
      20_000,
    );
    const entries = await recordOf(user_id, 2);
    expect(typesOf(entries)).toEqual(['ConnectLinkStarted', 'ConnectLinkDenied']);
    expect(entries[1]).toMatchObject({ actor: byThePerson.actor });
  });
});

describe("a session's truth", () => {
  it('is connected through an OAuth connection until the refresh token is dead', async () => {
    const user_id = someone();
    const { body: session } = await api.post('/v1/sessions', { servers: ['sandbox-oauth'], user_id });
    const reach = async () => {
      const { body } = await api.get(`/v1/sessions/${session.id}/connections`);
      const [one] = body.data as [{ connected: boolean; status: string }];
      return [one.connected, one.status];
    };
    expect(await reach()).toEqual([false, 'needs_connection']);
    const id = await linked({ user_id });
    expect(await reach()).toEqual([true, 'ready']);
    await kill(((await show(id))['metadata'] as { user_id: number }).user_id);
    const used = another().fresh(parsePlatformConnectionId(id)!);
    await expect(used).rejects.toMatchObject({ code: 'refresh_token_dead' });
    await until(
      () => show(id),
      ({ status }) => status === 'expired',
    );
    expect(await reach()).toEqual([false, 'expired']);
    expect(await linked({ user_id })).not.toBe(id);
    expect(await reach()).toEqual([true, 'ready']);
  });
});

/** One more replica, near the end of the tokens' life. */
const another = (how: { dies?: boolean } = {}) =>
  Object.assign(anotherOAuth(stack, { events, database }, how), { now: () => new Date(Date.now() + 3_400_000) });

describe('tokens', () => {
  it('are refreshed once for a hundred users over two replicas', async () => {
    const id = await linked();
    const account = ((await show(id))['metadata'] as { user_id: number }).user_id;
    const uuid = parsePlatformConnectionId(id)!;
    const replicas = [0, 1].map(() => another());
    const all = await Promise.all(Array.from({ length: 100 }, (_, n) => replicas[n % 2]!.fresh(uuid)));
    expect(all.every((tokens) => tokens?.accessToken)).toBe(true);
    expect(await refreshesOf(account)).toBe(1);
    const read = await readStream<ConnectionEvent>(events, `connection-${uuid}`);
    const types = read.events.map(({ event }) => event.type);
    expect(types.filter((type) => type === 'CredentialRefreshed')).toHaveLength(1);
    // One before the lease, and one under it.
    const opened = types.slice(0, types.indexOf('CredentialRefreshed')).filter((type) => type === 'CredentialAccessed');
    expect(opened.length).toBeGreaterThanOrEqual(2);
  });

  it('that a worker took and did not record are recorded by the next, without asking the provider again', async () => {
    const id = await linked();
    const account = ((await show(id))['metadata'] as { user_id: number }).user_id;
    const uuid = parsePlatformConnectionId(id)!;
    const crashed = another({ dies: true });
    await expect(crashed.fresh(uuid)).rejects.toThrow('died');
    expect(await refreshesOf(account)).toBe(1);
    expect(await another().fresh(uuid)).not.toBeNull();
    expect(await refreshesOf(account)).toBe(1);
    expect((await show(id))['status']).toBe('connected');
  });

  it('of a new link stand, whenever a refresh of the old ones comes in between', async () => {
    const accountOf = async (id: string) => ((await show(id))['metadata'] as { user_id: number }).user_id;
    for (let round = 0; round < ROUNDS; round++) {
      const user_id = someone();
      const id = await linked({ user_id });
      const uuid = parsePlatformConnectionId(id)!;
      const old = await accountOf(id);
      const { body } = await start({ user_id });
      const address = await decide((body as Started).authorize_url, 'approve');
      const refreshed = wait(round * 4).then(() => another().fresh(uuid));
      const [{ result }] = await Promise.all([callback(address), refreshed]);
      expect(result).toMatchObject({ status: 'connected', connection_id: id });
      const account = await accountOf(id);
      expect(account).not.toBe(old);
      expect(await another().fresh(uuid)).not.toBeNull();
      expect(await refreshesOf(account)).toBe(1);
      expect((await show(id))['status']).toBe('connected');
    }
  });
});
