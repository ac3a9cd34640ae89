import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import type { CredentialVerdict } from '#contracts/api/credential-checks.js';
import { isPrivate, MOST_ANSWER_BYTES } from './catalog-call.js';
import { hmacValidate } from './hmac-validate.js';
import { jwtValidate } from './jwt-validate.js';
import { type TriedServer } from './verdict.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'sec1', format: 'pem' }) as string;
const candidate = { access_key: 'AK-canary-0001', secret: 'SK/canary+9f8e7d6c5b4a' };
const jwtCandidate = { key_name: 'organizations/o/apiKeys/k', private_key: pem };
const now = new Date('2026-01-15T12:00:00Z');

let provider: Server;
let answer: RequestListener;
let requests: IncomingMessage[];
let baseUrl: string;

beforeEach(async () => {
  requests = [];
  provider = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});

afterEach(async () => {
  jest.restoreAllMocks();
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
});

const replying =
  (status: number, body = '{}', headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

const foxbit = (more: Partial<TriedServer> = {}): TriedServer => {
  const validation = { method: 'GET', path: '/rest/v3/me?a=1' } as const;
  return { id: 'foxbit', base_url: baseUrl, sandbox: true, validation, ...more };
};

const coinbase = (more: Partial<TriedServer> = {}): TriedServer => {
  const validation = { method: 'GET', path: '/api/v3/brokerage/accounts?limit=1' } as const;
  return { id: 'coinbase-cdp-trading', base_url: baseUrl, sandbox: true, validation, ...more };
};

const tried: Record<'hmac' | 'jwt', (more?: object) => Promise<CredentialVerdict>> = {
  hmac: (more) => hmacValidate(foxbit(more), candidate, now),
  jwt: (more) => jwtValidate(coinbase(more), jwtCandidate, now),
};

describe('the signature', () => {
  it('of HMAC is over what the entry says', async () => {
    answer = replying(200);
    expect(await tried.hmac()).toEqual({ ok: true, provider: 'foxbit', latency_ms: expect.any(Number) });
    const prehash = `${now.getTime()}GET/rest/v3/mea=1`;
    expect(requests[0]?.url).toBe('/rest/v3/me?a=1');
    expect(requests[0]?.headers).toMatchObject({
      'x-fb-access-key': candidate.access_key,
      'x-fb-access-timestamp': String(now.getTime()),
      'x-fb-access-signature': createHmac('sha256', candidate.secret).update(prehash).digest('hex'),
    });
  });

  it.each([
    ['SEC 1', pem],
    ['PKCS #8', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
    ['one line', pem.replaceAll('\n', '\\n')],
  ])('of a key in %s is an ES256 token for this one request', async (_form, private_key) => {
    answer = replying(200);
    expect(await jwtValidate(coinbase(), { ...jwtCandidate, private_key })).toMatchObject({ ok: true });
    const token = requests[0]?.headers.authorization?.replace('Bearer ', '') ?? '';
    const { payload } = await jwtVerify(token, createPublicKey(privateKey), { algorithms: ['ES256'] });
    expect(decodeProtectedHeader(token)).toMatchObject({ kid: jwtCandidate.key_name, nonce: expect.any(String) });
    const uri = `GET ${new URL(baseUrl).host}/api/v3/brokerage/accounts`;
    expect(payload).toMatchObject({ iss: 'cdp', sub: jwtCandidate.key_name, uri });
    expect(payload.exp! - payload.nbf!).toBe(120);
  });
});

describe.each(['hmac', 'jwt'] as const)('a candidate for %s', (kind) => {
  it.each([400, 401, 403, 404, 422])('is rejected by HTTP %i', async (status) => {
    answer = replying(status, '{"error":"bad signature"}');
    const detail = `HTTP ${status}: {"error":"bad signature"}`;
    expect(await tried[kind]()).toMatchObject({ ok: false, error: 'provider_rejected', detail });
  });

  it.each([429, 500, 503, 408])('has no verdict after HTTP %i', async (status) => {
    answer = replying(status, '');
    const verdict = { ok: false, error: 'provider_unreachable', detail: `HTTP ${status}` };
    expect(await tried[kind]()).toMatchObject(verdict);
  });

  it('does not follow a redirect', async () => {
    answer = replying(302, '', { location: '/elsewhere' });
    expect(await tried[kind]()).toMatchObject({ ok: false, error: 'provider_unreachable' });
    expect(requests).toHaveLength(1);
  });

  it.each(['before', 'within'])('does not wait for a provider that is slow %s its answer', async (when) => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const asked = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100));
    answer = (_request, response) => {
      if (when === 'within') response.writeHead(401, { 'content-length': '9' }).write('{');
    };
    const detail = 'No answer in time.';
    expect(await tried[kind]()).toMatchObject({ ok: false, error: 'provider_unreachable', detail });
    expect(asked).toHaveBeenCalledWith(5000);
  });

  it('says when nobody listens', async () => {
    const detail = 'No connection (ECONNREFUSED).';
    const nobody = { base_url: 'http://127.0.0.1:1' };
    expect(await tried[kind](nobody)).toMatchObject({ ok: false, error: 'provider_unreachable', detail });
  });

  it.each([200, 401])('reads no endless answer with HTTP %i', async (status) => {
    let sent = 0;
    answer = (_request, response) => {
      response.writeHead(status);
      const more = (): void => {
        while (!response.destroyed && sent < 64 * MOST_ANSWER_BYTES && response.write('x'.repeat(16_384)))
          sent += 16_384;
        if (sent >= 64 * MOST_ANSWER_BYTES) response.end();
        else response.once('drain', more);
      };
      more();
    };
    const verdict = await tried[kind]();
    expect(verdict).toMatchObject(status === 200 ? { ok: true } : { error: 'provider_rejected', detail: 'HTTP 401' });
    expect(sent).toBeLessThan(64 * MOST_ANSWER_BYTES);
  });

  it.each<[string, (seen: string) => string]>([
    ['as it is', (seen) => seen],
    ['in JSON', (seen) => JSON.stringify({ message: `no ${seen}` })],
    ['in Base64', (seen) => Buffer.from(`id:${seen}`).toString('base64')],
    ['in hex', (seen) => Buffer.from(seen).toString('hex').toUpperCase()],
    ['percent-encoded', (seen) => encodeURIComponent(seen)],
    ['turned around', (seen) => [...seen].reverse().join('')],
    ['in part', (seen) => `…${seen.slice(4, 14)}…`],
    ['in groups', (seen) => seen.replace(/(.{3})/g, '$1 ')],
  ])('never comes back when the provider repeats it %s', async (_how, repeat) => {
    const seen: string[] = [];
    answer = (request, response) => {
      const { authorization, 'x-fb-access-signature': signature } = request.headers;
      const token = authorization?.split('.')[2] ?? String(signature);
      seen.push(token, ...Object.values(kind === 'hmac' ? candidate : { key: pem.split('\n')[1]! }));
      response.writeHead(401).end(`Who is ${seen.map(repeat).join(' and ')}?`);
    };
    const verdict = JSON.stringify(await tried[kind]());
    expect(seen.length).toBeGreaterThan(1);
    expect(verdict).toContain('withheld');
    for (const each of seen) expect(verdict).not.toContain(repeat(each).slice(3, 11));
  });

  it('is never sent to a private address, however it is written', async () => {
    const port = new URL(baseUrl).port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '2130706433']) {
      const verdict = await tried[kind]({ sandbox: false, base_url: `https://${host}:${port}` });
      expect(verdict).toMatchObject({ error: 'provider_unreachable', detail: 'The host has a private address.' });
    }
    expect(requests).toHaveLength(0);
  });

  it('is never sent in the clear, nor to another host than the entry names', async () => {
    const clear = await tried[kind]({ sandbox: false });
    expect(clear).toMatchObject({ error: 'provider_unreachable', detail: 'Only https is called.' });
    for (const path of ['.evil.example/', '@evil.example/', ':81/', 'rest']) {
      const verdict = await tried[kind]({ validation: { method: 'GET', path } });
      expect(verdict).toMatchObject({ error: 'provider_unreachable', detail: expect.stringMatching(/leaves/) });
    }
    expect(requests).toHaveLength(0);
  });
});

describe('an invalid key', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'sec1', format: 'pem' });
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });

  it.each<[string, Record<string, unknown>]>([
    ['no PEM', { ...jwtCandidate, private_key: 'secret' }],
    [
      'a public key',
      { ...jwtCandidate, private_key: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) },
    ],
    ['P-384', { ...jwtCandidate, private_key: p384 }],
    ['Ed25519', { ...jwtCandidate, private_key: ed25519 }],
    ['no key', { key_name: 'k' }],
    ['no name', { private_key: pem }],
    ['a number', { ...jwtCandidate, key_name: 1 }],
  ])('for JWT is %s', async (_what, secret) => {
    const verdict = await jwtValidate(coinbase(), secret);
    expect(verdict).toMatchObject({ ok: false, provider: 'coinbase-cdp-trading', error: 'invalid_key' });
    expect(requests).toHaveLength(0);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no signing secret', { access_key: 'a' }],
    ['an empty one', { access_key: 'a', secret: '' }],
    ['no access key', { secret: 's' }],
    ['a line break in a header', { access_key: 'a\r\nx-admin: 1', secret: 's' }],
    ['an object', { access_key: {}, secret: 's' }],
  ])('for HMAC is %s', async (_what, secret) => {
    expect(await hmacValidate(foxbit(), secret)).toMatchObject({ ok: false, error: 'invalid_key' });
    expect(requests).toHaveLength(0);
  });
});

describe('an address', () => {
  it.each(['10.1.2.3', '172.31.0.1', '100.64.0.1', 'fd00::1', 'fe80::1', '::', '::ffff:10.0.0.1', '64:ff9b::a00:1'])(
    'like %s is private',
    (address) => expect(isPrivate(address)).toBe(true),
  );

  it.each(['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('like %s is public', (address) =>
    expect(isPrivate(address)).toBe(false),
  );
});
