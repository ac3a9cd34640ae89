import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { compactDecrypt, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { parseRedirectUrl } from '#contracts/api/redirect-url.js';
import { DomainError } from '#contracts/errors.js';
import {
  answersFor,
  cookieOf,
  PageBus,
  type Link,
  newLink,
  newVaultKey,
  startPages,
} from '../../../../test/page-app.js';

const bus = new PageBus();
const origin = 'http://localhost';
let app: NestFastifyApplication;
let link: Link;

beforeAll(async () => (app = await startPages(bus, { PUBLIC_BASE_URL: origin })));
afterAll(() => app.close());
beforeEach(() => {
  link = newLink({ redirect_url: 'https://app.example/back?tab=1#here' });
  bus.answers = answersFor(link);
  bus.asked.splice(0);
});

const post = (action: string, body: object = {}, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: `/link/s/${link.sid}/${action}`,
    headers: { cookie: cookieOf(link), 'x-latchkey-page': '1', 'content-type': 'application/json', ...headers },
    payload: JSON.stringify(body),
  });
const get = (path: string) => app.inject({ url: `/link/s/${link.sid}/${path}`, headers: { cookie: cookieOf(link) } });

describe('the page’s own endpoints', () => {
  it('activate, finish and give up on the session of the cookie', async () => {
    expect((await post('activate')).json()).toEqual({ status: 'active', in_flight: [], shows: 'open 0 ' });
    expect((await post('done')).json()).toMatchObject({ status: 'completed' });
    expect((await get('state')).json()).toMatchObject({ status: 'completed' });
    expect((await post('give-up')).json()).toMatchObject({ status: 'failed' });
  });

  it.each(['activate', 'start', 'finish', 'refuse', 'done', 'give-up'])(
    '%s refuses what another site could send',
    async (action) => {
      const foreign = await post(action, {}, { origin: 'http://evil.example' });
      const opaque = await post(action, {}, { origin: 'null' });
      const plain = await post(action, {}, { 'x-latchkey-page': '' });
      for (const answer of [foreign, opaque, plain]) {
        expect(answer.statusCode).toBe(403);
        expect(answer.json()).toEqual({ error: { code: 'FORBIDDEN', message: 'This is for the link page alone.' } });
      }
      expect(bus.asked).toEqual([]);
    },
  );

  it('take what the page itself sends', async () => {
    expect((await post('activate', {}, { origin })).statusCode).toBe(200);
  });

  it('answer 401 without the cookie of the session', async () => {
    const answer = await post('activate', {}, { cookie: '' });
    expect([answer.statusCode, answer.json()]).toEqual([
      401,
      { error: { code: 'INVALID_TOKEN', message: 'The link is not valid.' } },
    ]);
    expect((await app.inject(`/link/s/${link.sid}/state`)).statusCode).toBe(401);
  });

  it('start an attempt at a provider, in the person’s language', async () => {
    const started = {
      attempt_id: 'abc',
      kind: 'plaid' as const,
      script_url: 'https://x.example/a.js',
      link_token: 't',
    };
    bus.answers['connection.link.start'] = () => started;
    expect((await post('start', { provider: 'plaid' }, { 'accept-language': 'pt-BR' })).json()).toEqual(started);
    expect(bus.lastAsked('connection.link.start')).toMatchObject({ provider: 'plaid', language: 'pt' });
    // A bank has eight seconds to answer.
    expect(bus.asked.at(-1)?.timeoutMs).toBeGreaterThan(9_000);
    expect(bus.lastAsked('connection.link.start').context.deadline - Date.now()).toBeGreaterThan(8_000);
    const refused = await post('start', { provider: 'chase' });
    expect([refused.statusCode, refused.json().error.message]).toEqual([400, 'provider must be "plaid" or "teller"']);
  });

  it('seal the provider’s token before anything goes on the bus', async () => {
    const { jwk, privateKey } = await newVaultKey();
    bus.answers['connection.vault-key'] = () => ({ jwk: { ...jwk } });
    bus.answers['connection.link.finish'] = () => link.page.session;
    const token = 'public-sandbox-very-secret';
    expect((await post('finish', { attempt_id: 'abc', token })).statusCode).toBe(200);
    expect((await post('finish', { attempt_id: 'a\0c', token })).statusCode).toBe(400);
    const { sealed, attempt_id } = bus.lastAsked('connection.link.finish');
    expect(JSON.stringify(bus.asked)).not.toContain(token);
    expect(decodeProtectedHeader(sealed)).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'vault-1' });
    const { plaintext } = await compactDecrypt(sealed, privateKey);
    expect([attempt_id, JSON.parse(new TextDecoder().decode(plaintext))]).toEqual(['abc', { token }]);
    await post('finish', { attempt_id: 'abc', token });
    expect(bus.asked.filter(({ subject }) => subject === 'connection.vault-key')).toHaveLength(1);
  });

  it('report a refusal of the dialog, cut to what is worth keeping', async () => {
    await post('refuse', { attempt_id: 'abc', code: 'ITEM_LOCKED', message: 'x'.repeat(1000) });
    expect(bus.lastAsked('link-session.refuse')).toMatchObject({ code: 'ITEM_LOCKED', message: 'x'.repeat(300) });
    await post('refuse', { attempt_id: 'abc', code: 'a b', message: null });
    expect(bus.lastAsked('link-session.refuse')).toMatchObject({ code: 'UNKNOWN', message: '' });
    await post('refuse', { attempt_id: 'abc', code: 'X', message: `a\0b\uD83D c${'x'.repeat(293)}\u{1F600}` });
    const { message } = bus.lastAsked('link-session.refuse');
    expect(message).toBe(`a\uFFFDb\uFFFD c${'x'.repeat(293)}\uFFFD`);
    await post('refuse', { attempt_id: 'abc', code: 'X', message: 'a\u001b]52;\u009bb\n\u202ec\u2028' });
    expect(bus.lastAsked('link-session.refuse').message).toBe('a\uFFFD]52;\uFFFDb\uFFFD\uFFFDc\uFFFD');
  });

  it.each<[ConstructorParameters<typeof DomainError>[0], number]>([
    ['EXPIRED', 410],
    ['CONSUMED', 410],
    ['GONE', 410],
    ['INVALID_STATE', 409],
    ['PROVIDER_ERROR', 502],
  ])('hand on the refusal %s', async (code, status) => {
    bus.answers['link-session.activate'] = () => {
      throw new DomainError(code);
    };
    const answer = await post('activate');
    expect([answer.statusCode, answer.json<{ error: { code: string } }>().error.code]).toEqual([status, code]);
  });
});

describe('leaving for the app', () => {
  const leave = async () => {
    const { statusCode, headers } = await get('leave');
    return { statusCode, url: new URL(String(headers.location), origin) };
  };
  const keys = async () => createLocalJWKSet((await app.inject('/.well-known/jwks.json')).json<JSONWebKeySet>());

  it('takes a signed result along that the app can check', async () => {
    Object.assign(link.page.session, { status: 'completed', result_connection_ids: ['c1', 'c2'] });
    const { statusCode, url } = await leave();
    expect([statusCode, url.origin, url.searchParams.get('tab'), url.hash]).toEqual([
      303,
      'https://app.example',
      '1',
      '#here',
    ]);
    expect(url.searchParams.get('link_session_id')).toBe(link.page.session.id);
    expect(url.searchParams.get('status')).toBe('completed');
    const { payload, protectedHeader } = await jwtVerify(url.searchParams.get('result')!, await keys(), {
      issuer: origin,
      audience: 'https://app.example',
      algorithms: ['EdDSA'],
    });
    expect(protectedHeader.kid).toBeTruthy();
    expect(payload).toMatchObject({
      sub: link.page.session.id,
      status: 'completed',
      action: 'link',
      connection_ids: ['c1', 'c2'],
    });
    expect(payload.exp! - payload.iat!).toBe(300);
    expect(payload.jti).toBeTruthy();
  });

  it.each([
    'http://127.8.9.1/cb',
    'http://127.0.0.1/',
    'http://localhost:3000/cb',
    'http://[::1]:3000/',
    'https://a.example/',
  ])('goes to %s, as a link may be made for it', async (redirect_url) => {
    expect(parseRedirectUrl(redirect_url)).toBe(redirect_url);
    Object.assign(link.page.session, { status: 'completed', redirect_url });
    const { statusCode, url } = await leave();
    expect([statusCode, url.origin + url.pathname]).toEqual([303, redirect_url]);
  });

  it('says failed when the person gave up', async () => {
    await post('give-up');
    const { url } = await leave();
    const { payload } = await jwtVerify(url.searchParams.get('result')!, await keys());
    expect([url.searchParams.get('status'), payload['status']]).toEqual(['failed', 'failed']);
  });

  it.each<[string, Partial<Link['page']['session']>]>([
    ['was cancelled', { status: 'failed', error_code: 'CANCELLED' }],
    ['is still open', { status: 'active' }],
    ['has expired', { status: 'expired' }],
    ['has no address to go to', { status: 'completed', redirect_url: '' }],
    ['has an address nobody should go to', { status: 'completed', redirect_url: 'javascript:alert(1)' }],
  ])('leads to the page itself when the session %s', async (_, session) => {
    Object.assign(link.page.session, session);
    const { statusCode, url } = await leave();
    expect([statusCode, url.href]).toEqual([303, new URL(`/link/s/${link.sid}`, origin).href]);
  });

  it('publishes the public half of the key alone', async () => {
    const { headers, body } = await app.inject('/.well-known/jwks.json');
    expect(headers['content-type']).toContain('application/json');
    const { keys: published } = JSON.parse(body) as JSONWebKeySet;
    expect(published).toHaveLength(1);
    expect(Object.keys(published[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });
});
