import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { type OauthShape, type Trouble } from './oauth-grants.js';
import { oauthClient } from './oauth-tokens.js';
import { oauthApi } from './oauth.js';

const paths = {
  plain: { authorize: '/oauth/authorize', token: '/oauth/token' },
  mercadopago: { authorize: '/oauth/mercadopago/authorization', token: '/oauth/mercadopago/oauth/token' },
  shopify: { authorize: '/oauth/shopify/admin/oauth/authorize', token: '/oauth/shopify/admin/oauth/access_token' },
};
const redirectUri = 'https://app.example/back?keep=1';
const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');
const keys = { client_id: oauthClient.id, client_secret: oauthClient.secret };

let folder: string;
let app: FastifyInstance;

const start = (): void => {
  app = fastify();
  oauthApi(app, { dataFile: join(folder, 'ledger.jsonl'), slowMs: 300 });
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oauth-'));
  start();
});

afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const authorizeUrl = (shape: OauthShape, more: Record<string, string | undefined> = {}): string => {
  const query = {
    client_id: oauthClient.id,
    response_type: 'code',
    redirect_uri: redirectUri,
    state: 's-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${paths[shape].authorize}?${new URLSearchParams(given).toString()}`;
};

async function decided(shape: OauthShape, form: Record<string, string>, more: Record<string, string | undefined> = {}) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const payload = new URLSearchParams(form).toString();
  const reply = await app.inject({ method: 'POST', url: authorizeUrl(shape, more), headers, payload });
  expect(reply.statusCode).toBe(303);
  return new URL(reply.headers.location!).searchParams;
}

async function token(shape: OauthShape, body: object) {
  const payload = { ...keys, ...body };
  const reply = await app.inject({ method: 'POST', url: paths[shape].token, payload });
  return { status: reply.statusCode, body: reply.json<Record<string, string>>() };
}

const exchange = (shape: OauthShape, code: string | null, more: object = {}) =>
  token(shape, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
    expiring: '1',
    ...more,
  });

const approved = async (shape: OauthShape, trouble: Trouble = 'none') =>
  (await decided(shape, { decision: 'approve', trouble })).get('code');

const refresh = (shape: OauthShape, refreshToken: string | undefined) =>
  token(shape, { grant_type: 'refresh_token', refresh_token: refreshToken });

const works = async (shape: OauthShape, accessToken: string | undefined): Promise<boolean> => {
  const [url, headers] =
    shape === 'shopify'
      ? ['/oauth/shopify/admin/api/shop.json', { 'x-shopify-access-token': accessToken }]
      : [
          shape === 'plain' ? '/oauth/account' : '/oauth/mercadopago/users/me',
          { authorization: `Bearer ${accessToken}` },
        ];
  return (await app.inject({ url, headers })).statusCode === 200;
};

const refusal = { status: 400, body: { error: 'invalid_grant' } };

describe.each(['plain', 'mercadopago', 'shopify'] as const)('the OAuth provider in the shape of %s', (shape) => {
  it('asks with two buttons, on a page where nothing runs', async () => {
    const { body, headers, statusCode } = await app.inject({ url: authorizeUrl(shape, { scope: 'read <b>' }) });
    expect(statusCode).toBe(200);
    expect(body.match(/<button[^>]*>\w+</g)).toEqual([
      expect.stringMatching(/value="approve">Approve<$/),
      expect.stringMatching(/value="deny">Deny<$/),
    ]);
    expect(body).toContain('&lt;b&gt;');
    expect(body).not.toMatch(/<script|<b>|style="/);
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|script-src/);
  });

  it('gives tokens that work for a code, once', async () => {
    const code = await approved(shape);
    const { status, body } = await exchange(shape, code);
    expect(status).toBe(200);
    expect(body).toMatchObject({ scope: expect.any(String), refresh_token: expect.any(String) });
    expect(await works(shape, body.access_token)).toBe(true);
    expect(await exchange(shape, code)).toMatchObject(refusal);
    expect(await works(shape, body.access_token)).toBe(false);
  });

  it('takes a form as well as JSON', async () => {
    const form = { ...keys, code: (await approved(shape))!, code_verifier: verifier, redirect_uri: redirectUri };
    const payload = new URLSearchParams({ ...form, grant_type: 'authorization_code' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await app.inject({ method: 'POST', url: paths[shape].token, headers, payload });
    expect(reply.statusCode).toBe(200);
  });

  it.each(['s', '', 'a+b&c=d#e%20 f', '"><script>', 'line\nline\r\n', '§ 漢 🙂'])(
    'passes the state %j through untouched',
    async (state) => {
      expect((await decided(shape, { decision: 'approve' }, { state })).get('state')).toBe(state);
      expect((await decided(shape, { decision: 'deny' }, { state })).get('state')).toBe(state);
    },
  );

  it('makes up no state, and keeps the rest of the address', async () => {
    const parameters = await decided(shape, { decision: 'approve' }, { state: undefined });
    expect(parameters.has('state')).toBe(false);
    expect(parameters.get('keep')).toBe('1');
  });

  it('says that the person denied', async () => {
    const parameters = await decided(shape, { decision: 'deny' });
    expect(parameters.get('error')).toBe('access_denied');
    expect(parameters.has('code')).toBe(false);
  });

  it.each<[string, object]>([
    ['another verifier', { code_verifier: randomBytes(32).toString('base64url') }],
    ['no verifier', { code_verifier: undefined }],
    ['the challenge for a verifier', { code_verifier: challenge }],
    ['another address', { redirect_uri: 'https://app.example/other' }],
    ['an unknown code', { code: 'TG-x' }],
  ])('refuses %s', async (_what, more) => {
    expect(await exchange(shape, await approved(shape), more)).toMatchObject(refusal);
  });

  it('refuses a wrong client secret and an unknown grant type', async () => {
    expect(await exchange(shape, await approved(shape), { client_secret: 'x' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await token(shape, { grant_type: 'password' })).toMatchObject({ body: { error: 'unsupported_grant_type' } });
  });

  it('wants PKCE with S256', async () => {
    for (const more of [{ code_challenge: undefined }, { code_challenge_method: 'plain' }]) {
      const reply = await app.inject({ url: authorizeUrl(shape, more) });
      expect(reply.headers.location).toMatch(/error=invalid_request/);
    }
  });

  it('sends nobody to an address that is none, and nobody for an application it does not know', async () => {
    for (const more of [{ redirect_uri: 'javascript:alert(1)' }, { redirect_uri: '/x' }, { client_id: 'other' }]) {
      const reply = await app.inject({ url: authorizeUrl(shape, more) });
      expect([reply.statusCode, reply.headers.location]).toEqual([400, undefined]);
    }
  });

  it('rotates refresh tokens: the old one is refused, the old access token works no more', async () => {
    const { body: first } = await exchange(shape, await approved(shape));
    const { body: second } = await refresh(shape, first.refresh_token);
    expect(await refresh(shape, first.refresh_token)).toMatchObject(refusal);
    expect([await works(shape, first.access_token), await works(shape, second.access_token)]).toEqual([false, true]);
    expect((await refresh(shape, second.refresh_token)).status).toBe(200);
  });

  it('can be made to go wrong', async () => {
    expect(await exchange(shape, await approved(shape, 'expired_code'))).toMatchObject(refusal);
    const { body: dying } = await exchange(shape, await approved(shape, 'dead_refresh'));
    expect(await refresh(shape, dying.refresh_token)).toMatchObject(refusal);
    expect((await exchange(shape, await approved(shape, 'short_life'))).body.expires_in).toBe(60);
    const startedAt = Date.now();
    expect((await exchange(shape, await approved(shape, 'slow_token'))).status).toBe(200);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  it('remembers its grants over a restart, and shows and ends them', async () => {
    const { body } = await exchange(shape, await approved(shape));
    const { body: next } = await refresh(shape, body.refresh_token);
    await app.close();
    start();
    expect(readFileSync(join(folder, 'ledger.jsonl.oauth'), 'utf8')).not.toContain(next.refresh_token);
    expect(await works(shape, next.access_token)).toBe(true);
    const read = async () => (await app.inject({ url: '/sandbox/oauth/grants' })).json<{ grants: { id: string }[] }>();
    const [grant] = (await read()).grants;
    expect(grant).toMatchObject({ shape, refreshes: 1, state: 'live' });
    await app.inject({ method: 'POST', url: `/sandbox/oauth/grants/${grant!.id}/kill` });
    expect(await refresh(shape, next.refresh_token)).toMatchObject(refusal);
    expect((await read()).grants).toMatchObject([{ state: 'dead' }]);
  });
});

describe('the shape of Shopify', () => {
  it('signs what it sends back with the secret of the application', async () => {
    const { hmac, ...rest } = Object.fromEntries(await decided('shopify', { decision: 'approve' }));
    const { keep: _ours, ...signed } = rest;
    const message = Object.entries(signed)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`);
    expect(hmac).toBe(createHmac('sha256', oauthClient.secret).update(message.join('&')).digest('hex'));
    expect(signed).toMatchObject({ shop: 'sandbox-shop.myshopify.com', state: 's-1' });
  });

  it('gives a token for good unless an expiring one is asked for', async () => {
    const { body } = await exchange('shopify', await approved('shopify'), { expiring: undefined });
    expect(Object.keys(body)).toEqual(['access_token', 'scope']);
    expect(await works('shopify', body.access_token)).toBe(true);
  });
});
