import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { Server as CatalogServer } from '#contracts/api/servers.js';
import { newToken } from '#contracts/secrets.js';
import { authorizeUrl, type OAuthClient } from './client.js';
import { clientOf } from './clients.js';
import { finishConnectLink, type LinkOutcome, resultRedirect, startConnectLink } from './connect-link.js';
import { type LinkStateRow, type LinkStates } from './link-state.js';
import { OAuthError, refreshTokens } from './tokens.js';

const now = new Date('2026-01-15T12:00:00Z');
const callbackUrl = 'https://us.example/v1/connect/callback/mercadopago';
const link = {
  tenant: { project_id: 'prj_1', environment: 'live' as const },
  userId: 'user-1',
  redirectUri: 'https://app.example/done?keep=1',
  callbackUrl,
  shop: null,
};

let provider: Server;
let answer: RequestListener;
let sent: URLSearchParams[];
let client: OAuthClient;
let rows: Map<string, LinkStateRow>;
let states: LinkStates;

beforeEach(async () => {
  sent = [];
  provider = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      sent.push(new URLSearchParams(body));
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  client = {
    serverId: 'mercadopago',
    sandbox: true,
    authorizeUrl: `${base}/authorization?prompt=1`,
    tokenUrl: `${base}/oauth/token`,
    clientId: 'client-1',
    clientSecret: 'canary-client-secret',
    scopes: ['offline_access', 'read'],
    authorizeParameters: { platform_id: 'mp' },
    tokenParameters: { expiring: '1' },
    metadataFields: ['user_id', 'live_mode', 'absent'],
  };
  rows = new Map();
  states = {
    put: (row) => Promise.resolve(void rows.set(row.stateHash, row)),
    take: async (hash, serverId, read) => {
      const row = rows.get(hash);
      if (row?.serverId !== serverId) return null;
      rows.delete(hash);
      return Promise.resolve(read(row));
    },
  };
});

afterEach(async () => {
  jest.restoreAllMocks();
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
});

const replying =
  (status: number, body: unknown = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));

/** Promises more than it sends, and hangs up. */
const breakingOff =
  (status: number, body: unknown): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-length': 10_000 });
    response.write(JSON.stringify(body), () => void setImmediate(() => response.destroy()));
  };

const granted = {
  access_token: 'canary-access',
  refresh_token: 'canary-refresh',
  expires_in: 3600,
  scope: 'read',
  user_id: 7,
  live_mode: false,
};

const start = async () => {
  const state = newToken();
  return { link_token: state, ...(await startConnectLink(states, client, { link, state, now })) };
};
const finish = (parameters: Record<string, unknown>, at = now, by = client): Promise<LinkOutcome> =>
  finishConnectLink(states, by, { parameters, now: at });

describe('a Connect Link', () => {
  it('sends the person to the provider with a state and a challenge of its own', async () => {
    const [first, second] = [await start(), await start()];
    const url = new URL(first.authorize_url);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      prompt: '1',
      platform_id: 'mp',
      response_type: 'code',
      client_id: 'client-1',
      redirect_uri: callbackUrl,
      state: first.link_token,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      scope: 'offline_access read',
    });
    expect(first.expires_at).toBe('2026-01-15T12:10:00.000Z');
    expect(second.link_token).not.toBe(first.link_token);
    expect(new URL(second.authorize_url).searchParams.get('code_challenge')).not.toBe(
      url.searchParams.get('code_challenge'),
    );
  });

  it('asks for the scopes of the caller, in the spelling of the provider', () => {
    const url = authorizeUrl(
      { ...client, scopeSeparator: ',' },
      { state: 's', challenge: 'c', callbackUrl, scopes: ['a', 'b'] },
    );
    expect(new URL(url).searchParams.get('scope')).toBe('a,b');
    const none = authorizeUrl({ ...client, scopes: [] }, { state: 's', challenge: 'c', callbackUrl });
    expect(new URL(none).searchParams.has('scope')).toBe(false);
  });

  it('ends with tokens for the very link that was started', async () => {
    answer = replying(200, granted);
    const { link_token, authorize_url } = await start();
    expect(
      await finish({ state: link_token, code: 'code-1', user_id: 'mallory', redirect_uri: 'https://evil' }),
    ).toEqual({
      kind: 'connected',
      link: { ...link, serverId: 'mercadopago' },
      stateHash: createHash('sha256').update(link_token).digest('hex'),
      tokens: {
        accessToken: 'canary-access',
        refreshToken: 'canary-refresh',
        obtainedAt: now,
        expiresAt: new Date('2026-01-15T13:00:00Z'),
        scope: 'read',
        metadata: { user_id: 7, live_mode: false },
      },
    });
    const { code_verifier, ...request } = Object.fromEntries(sent[0]!);
    expect(request).toEqual({
      expiring: '1',
      grant_type: 'authorization_code',
      code: 'code-1',
      redirect_uri: callbackUrl,
      client_id: 'client-1',
      client_secret: 'canary-client-secret',
    });
    const challenge = createHash('sha256').update(code_verifier!).digest('base64url');
    expect(new URL(authorize_url).searchParams.get('code_challenge')).toBe(challenge);
  });

  it('is good once, also for a hundred at a time', async () => {
    answer = replying(200, granted);
    const { link_token } = await start();
    const all = await Promise.all(Array.from({ length: 100 }, () => finish({ state: link_token, code: 'c' })));
    expect(all.filter(({ kind }) => kind === 'connected')).toHaveLength(1);
    expect(all.filter(({ kind }) => kind === 'unknown')).toHaveLength(99);
    expect(sent).toHaveLength(1);
  });

  it('is used up by a denial as well', async () => {
    const { link_token } = await start();
    expect(await finish({ state: link_token, error: 'access_denied' })).toMatchObject({ kind: 'denied' });
    expect(await finish({ state: link_token, code: 'c' })).toEqual({ kind: 'unknown' });
  });

  it('is over after ten minutes', async () => {
    const { link_token } = await start();
    const late = new Date(now.getTime() + 10 * 60 * 1000);
    expect(await finish({ state: link_token, code: 'c' }, late)).toMatchObject({
      kind: 'error',
      error: 'link_expired',
    });
    expect(sent).toHaveLength(0);
  });

  it.each([undefined, '', 'x', 'x'.repeat(43), ['a', 'b'], {}])('is not found by the state %j', async (state) => {
    await start();
    expect(await finish({ state, code: 'c' })).toEqual({ kind: 'unknown' });
    expect(rows.size).toBe(1);
  });

  it('does not end at the callback of another server, and goes on at its own', async () => {
    answer = replying(200, granted);
    const { link_token } = await start();
    const other = { ...client, serverId: 'shopify' };
    expect(await finish({ state: link_token, code: 'c' }, now, other)).toEqual({ kind: 'unknown' });
    expect(await finish({ state: link_token, code: 'c' })).toMatchObject({ kind: 'connected' });
  });

  it('stores neither the state nor the verifier', async () => {
    answer = replying(200, granted);
    const { link_token } = await start();
    const stored = JSON.stringify([...rows.values()]);
    await finish({ state: link_token, code: 'c' });
    expect(stored).not.toContain(link_token);
    expect(stored).not.toContain(sent[0]!.get('code_verifier'));
  });

  it.each<[string, Partial<LinkStateRow>]>([
    ['the tenant', { tenant: { project_id: 'prj_2', environment: 'live' } }],
    ['the environment', { tenant: { project_id: 'prj_1', environment: 'test' } }],
    ['the user', { userId: 'mallory' }],
    ['the address', { redirectUri: 'https://evil.example' }],
  ])('does not open when %s was changed in its row', async (_what, change) => {
    const { link_token } = await start();
    for (const [hash, row] of rows) rows.set(hash, { ...row, ...change });
    await expect(finish({ state: link_token, code: 'c' })).rejects.toThrow();
    expect(sent).toHaveLength(0);
  });
});

describe('the outcome of a Connect Link', () => {
  it.each<[string, RequestListener, string]>([
    ['an expired code', replying(400, { error: 'invalid_grant' }), 'code_expired'],
    ['an expired code at Shopify', replying(400, { error: 'invalid_request' }), 'code_expired'],
    ['wrong client credentials', replying(401, { error: 'invalid_client' }), 'provider_rejected'],
    ['wrong client credentials, told with 400', replying(400, { error: 'invalid_client' }), 'provider_rejected'],
    ['a fault', replying(503, '<html>'), 'provider_unreachable'],
    ['a rate limit', replying(429), 'provider_unreachable'],
    ['a redirect', replying(307), 'provider_unreachable'],
    ['an answer without a token', replying(200, { error: 'no' }), 'provider_rejected'],
    ['an answer that is no JSON', replying(200, 'hello'), 'provider_rejected'],
    ['an endless answer', replying(200, JSON.stringify({ ...granted, pad: 'x'.repeat(100_000) })), 'provider_rejected'],
    ['a token that breaks off', breakingOff(200, granted), 'provider_unreachable'],
    ['a refusal that breaks off', breakingOff(400, { error: 'invalid_grant' }), 'provider_unreachable'],
    ['a broken connection', (request) => void request.socket.destroy(), 'provider_unreachable'],
  ])('after %s is an error', async (_what, how, error) => {
    answer = how;
    const outcome = await finish({ state: (await start()).link_token, code: 'c' });
    expect(outcome).toMatchObject({ kind: 'error', error, link });
    expect(sent).toHaveLength(1);
  });

  it('does not wait for a token endpoint that is slow', async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const asked = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100));
    answer = () => undefined;
    const outcome = await finish({ state: (await start()).link_token, code: 'c' });
    expect(outcome).toMatchObject({ kind: 'error', error: 'provider_unreachable' });
    expect(asked).toHaveBeenCalledWith(8000);
  });

  it.each([
    ['access_denied', 'denied', 'access_denied'],
    ['invalid_scope', 'error', 'invalid_scope'],
    ['<script>', 'error', 'provider_rejected'],
    [['a'], 'error', 'provider_rejected'],
    ['temporarily_unavailable', 'error', 'temporarily_unavailable'],
    ['link_expired', 'error', 'provider_rejected'],
    ['code_expired', 'error', 'provider_rejected'],
    ['unavailable', 'error', 'provider_rejected'],
    ['provider_unreachable', 'error', 'provider_rejected'],
  ])('passes the error %j of the provider on as %s, %s', async (error, kind, expected) => {
    const { link_token } = await start();
    expect(await finish({ state: link_token, error, code: 'c' })).toMatchObject({ kind, error: expected });
    expect(sent).toHaveLength(0);
  });

  it('is an error without a code', async () => {
    for (const code of [undefined, '', ['a']]) {
      expect(await finish({ state: (await start()).link_token, code })).toMatchObject({ error: 'provider_rejected' });
    }
  });

  it.each([
    [{ status: 'connected', connection_id: 'conn_1' } as const, 'keep=1&status=connected&connection_id=conn_1'],
    [{ status: 'denied', error: 'access_denied' } as const, 'keep=1&status=denied&error=access_denied'],
    [{ status: 'error', error: 'code_expired' } as const, 'keep=1&status=error&error=code_expired'],
  ])('is told to the app in its address: %j', (result, query) => {
    expect(resultRedirect('https://app.example/done?keep=1#part', result)).toBe(
      `https://app.example/done?${query}#part`,
    );
    const forged = 'https://app.example/done?status=connected&keep=1&connection_id=conn_x&error=e';
    expect(resultRedirect(forged, result)).toBe(`https://app.example/done?${query}`);
  });
});

describe('a refresh', () => {
  const refresh = () => refreshTokens(client, 'canary-refresh', now);
  const code = (): Promise<unknown> =>
    refresh().then(
      () => 'no error',
      (error: OAuthError) => error.code,
    );

  it('gives new tokens, and keeps the refresh token where the provider does', async () => {
    answer = replying(200, { ...granted, refresh_token: 'next' });
    expect(await refresh()).toMatchObject({ accessToken: 'canary-access', refreshToken: 'next' });
    expect(sent[0]!.get('grant_type')).toBe('refresh_token');
    answer = replying(200, { ...granted, refresh_token: undefined, expires_in: undefined });
    expect(await refresh()).toMatchObject({ refreshToken: 'canary-refresh', expiresAt: null });
  });

  it.each<[number, unknown, string]>([
    [400, { error: 'invalid_grant' }, 'refresh_token_dead'],
    [400, { error: 'invalid_request' }, 'provider_rejected'],
    [401, { error: 'invalid_client' }, 'provider_rejected'],
    [500, '', 'provider_unreachable'],
  ])('after HTTP %i %j is %s', async (status, body, expected) => {
    answer = replying(status, body);
    expect(await code()).toBe(expected);
  });

  it('whose answer breaks off has no verdict: the grant may live', async () => {
    answer = breakingOff(400, { error: 'invalid_grant' });
    expect(await code()).toBe('provider_unreachable');
  });

  it('is dead by a word of Mercado Pago that elsewhere is about the client', async () => {
    answer = replying(400, { error: 'unauthorized_client' });
    expect(await code()).toBe('provider_rejected');
    const oauth = { grant: 'authorization_code', authorize_url: client.authorizeUrl, token_url: client.tokenUrl };
    const clients = { mercadopago: { client_id: 'client-1', client_secret: 'canary-client-secret' } };
    const server = { id: 'mercadopago', oauth: { ...oauth, scopes: [] } } as unknown as CatalogServer;
    client = clientOf(server, { clients, isOfSandbox: () => true });
    expect(await code()).toBe('refresh_token_dead');
    const outcome = await finish({ state: (await start()).link_token, code: 'c' });
    expect(outcome).toMatchObject({ error: 'provider_rejected' });
  });

  it('shows no secret in its error, however deep one looks', async () => {
    answer = replying(400, { error: 'invalid_grant', echo: 'canary-refresh' });
    const error: unknown = await refresh().catch((each: unknown) => each);
    expect(error).toBeInstanceOf(OAuthError);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary');
  });
});
