import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VerifiedKey } from '#contracts/key.js';
import { newHouseholdKey } from '#contracts/secrets.js';
import { adminKey, platformReader, readKey, revokedKey, startGateway, type TestGateway } from '../test/gateway.js';
import { projectView, verifiedKey } from '../test/views.js';
import { RefusedKeys } from './refused-keys.js';

let gateway: TestGateway;
afterEach(() => gateway.app.close());

const start = async (env: Parameters<typeof startGateway>[0] = {}) => {
  gateway = await startGateway(env);
  gateway.bus.answers['connection.user.list'] = () => ({ items: [], next_cursor: null });
  gateway.bus.answers['key.project.get'] = () => projectView;
};

/** A read of this key from this address. */
async function ask(key: string, address = '192.0.2.1', url = '/api/v1/users', method: 'GET' | 'POST' = 'GET') {
  const named = url.startsWith('/v1/') ? { authorization: `Bearer ${key}` } : { 'x-api-key': key };
  const { status, headers, json } = await gateway.call({ method, url, headers: named, remoteAddress: address });
  return { status, headers, code: (json.error?.code ?? 'ok') as string };
}

const outcomes = async (times: number, request: () => ReturnType<typeof ask>) => {
  const codes: string[] = [];
  for (let n = 0; n < times; n++) codes.push((await request()).code);
  return codes;
};

describe('the requests of one key', () => {
  beforeEach(() => start({ API_RATE_LIMIT_RPM: '6', API_RATE_LIMIT_BURST: '3' }));

  it('are counted in headers, and refused beyond the burst with RATE_LIMITED and Retry-After', async () => {
    const { headers } = await ask(readKey);
    expect(headers).toMatchObject({
      'x-ratelimit-limit': '6',
      'x-ratelimit-remaining': '2',
      'x-ratelimit-reset': '10',
    });
    expect(await outcomes(3, () => ask(readKey))).toEqual(['ok', 'ok', 'RATE_LIMITED']);
    const over = await ask(readKey);
    expect(over).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect(over.headers).toMatchObject({
      'retry-after': '10',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '30',
    });
  });

  it('do not count for another key', async () => {
    await outcomes(3, () => ask(readKey));
    expect((await ask(adminKey)).code).toBe('ok');
  });

  it('are counted on /v1 too, in its own words', async () => {
    const list = () => ask(platformReader, '192.0.2.1', '/v1/whoami');
    const codes = await outcomes(4, list);
    expect(codes).toEqual(['ok', 'ok', 'ok', 'rate_limited']);
    expect((await list()).headers).toMatchObject({ 'retry-after': '10', 'x-ratelimit-limit': '6' });
  });

  it('are counted before their scope is looked at, and refusals carry the headers too', async () => {
    const forbidden = () => ask(readKey, '192.0.2.1', '/api/v1/api-keys');
    expect(await forbidden()).toMatchObject({ status: 403, headers: { 'x-ratelimit-remaining': '2' } });
    expect(await outcomes(3, forbidden)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'RATE_LIMITED']);
  });

  it('are nobody’s when the key is none', async () => {
    const { status, headers } = await ask(newHouseholdKey());
    expect([status, headers['x-ratelimit-limit']]).toEqual([401, undefined]);
  });
});

describe('wrong keys from one address', () => {
  beforeEach(() => start({ AUTH_FAIL_LIMIT_RPM: '3' }));

  const wrong = (address?: string) => ask(newHouseholdKey(), address);

  it('are refused with 429 after so many, before anybody is asked about them', async () => {
    expect(await outcomes(4, wrong)).toEqual([...Array<string>(3).fill('INVALID_API_KEY'), 'RATE_LIMITED']);
    const over = await wrong();
    expect([over.status, over.headers['retry-after']]).toEqual([429, '20']);
    expect(gateway.bus.keysAsked).toBe(3);
    expect((await wrong('192.0.2.2')).code).toBe('INVALID_API_KEY');
  });

  it('are not asked about beyond the limit when they come all at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => wrong()));
    expect(answers.filter(({ code }) => code === 'INVALID_API_KEY')).toHaveLength(3);
    expect(gateway.bus.keysAsked).toBe(3);
  });

  it('are not what many requests at once with one new key are', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(readKey)));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['ok']));
    expect(gateway.bus.keysAsked).toBe(1);
  });

  it('are not counted when nobody could tell, nor are good ones', async () => {
    const { 'key.verify': verify, ...others } = gateway.bus.answers;
    gateway.bus.answers = others;
    expect(await outcomes(5, wrong)).toEqual(Array<string>(5).fill('UNAVAILABLE'));
    gateway.bus.answers = { ...others, 'key.verify': verify! };
    for (const key of [adminKey, readKey, adminKey, readKey]) expect((await ask(key)).code).toBe('ok');
    expect(await outcomes(3, wrong)).not.toContain('RATE_LIMITED');
  });

  it('count whatever is wrong with them, known or not', async () => {
    const codes = [await ask('sk_1'), await ask(revokedKey), await ask(revokedKey), await ask(revokedKey)];
    expect(codes.map(({ code }) => code)).toEqual([
      'INVALID_API_KEY',
      'REVOKED_API_KEY',
      'REVOKED_API_KEY',
      'RATE_LIMITED',
    ]);
    expect((await ask('sk_1')).code).toBe('RATE_LIMITED');
  });

  it('are counted on /v1 too, in its own words', async () => {
    const guess = () => ask('csk_live_mistyped', '192.0.2.1', '/v1/whoami');
    expect(await outcomes(4, guess)).toEqual(['unauthorized', 'unauthorized', 'unauthorized', 'rate_limited']);
  });

  it('count when they are platform keys at the other door, and nothing is said about these keys', async () => {
    const { status, json } = await gateway.call({ url: '/api/v1/users', headers: { 'x-api-key': platformReader } });
    expect([status, json.error]).toEqual([
      401,
      { code: 'INVALID_API_KEY', message: 'A platform key (csk_) opens /v1, not /api/v1.' },
    ]);
    await gateway.app.get(RefusedKeys).beforeApplicationShutdown();
    expect(gateway.bus.asked.map(({ subject }) => subject)).not.toContain('key.refused');
    expect(await outcomes(4, () => ask(platformReader, '127.0.0.1'))).toContain('RATE_LIMITED');
  });

  it('do not slow down a key that was good before, not even when it has to be looked up again', async () => {
    await ask(readKey);
    await outcomes(5, wrong);
    expect((await ask(readKey)).code).toBe('ok');
    gateway.bus.disconnect();
    expect((await ask(readKey)).code).toBe('ok');
    expect((await wrong()).code).toBe('RATE_LIMITED');
  });

  it('come from one network, not from each address of its IPv6', async () => {
    expect(await outcomes(3, () => wrong('2001:db8::1'))).not.toContain('RATE_LIMITED');
    expect((await wrong('2001:db8::ffff:1')).code).toBe('RATE_LIMITED');
    expect((await wrong('2001:db8:0:1::1')).code).toBe('INVALID_API_KEY');
  });

  it('leave a request without any key what it was', async () => {
    await outcomes(4, wrong);
    expect((await ask('')).code).toBe('MISSING_API_KEY');
  });
});

describe('a key that is bound to addresses', () => {
  const bound: VerifiedKey = { ...verifiedKey, allowed_ips: ['10.0.0.0/8', '2001:db8::/32'] };
  beforeEach(async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    gateway.bus.answers['key.verify'] = ({ key_hashes }) => key_hashes.map(() => bound);
  });

  it.each([
    ['10.1.2.3', 200, 'ok'],
    ['::ffff:10.1.2.3', 200, 'ok'],
    ['2001:db8::1', 200, 'ok'],
    ['192.0.2.1', 403, 'IP_NOT_ALLOWED'],
    ['2001:db9::1', 403, 'IP_NOT_ALLOWED'],
  ])('used from %s: %i %s', async (address, status, code) => {
    expect(await ask(newHouseholdKey(), address)).toMatchObject({ status, code });
  });

  it('is refused for its address before its scope is looked at', async () => {
    expect((await ask(newHouseholdKey(), '192.0.2.1', '/api/v1/api-keys')).code).toBe('IP_NOT_ALLOWED');
    expect((await ask(newHouseholdKey(), '10.1.2.3', '/api/v1/api-keys')).code).toBe('FORBIDDEN');
  });

  it('loses nothing of its limit to whoever uses it elsewhere: that address is limited', async () => {
    await start({
      TRUSTED_PROXIES: '127.0.0.1',
      API_RATE_LIMIT_BURST: '3',
      API_RATE_LIMIT_RPM: '1',
      AUTH_FAIL_LIMIT_RPM: '5',
    });
    gateway.bus.answers['key.verify'] = ({ key_hashes }) => key_hashes.map(() => bound);
    const key = newHouseholdKey();
    const statuses = [];
    for (let n = 0; n < 7; n++) statuses.push((await ask(key, '192.0.2.1')).status);
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
    for (let n = 0; n < 3; n++) expect((await ask(key, '10.1.2.3')).status).toBe(200);
    expect((await ask(key, '10.1.2.3')).status).toBe(429);
  });

  it('is judged by the address a trusted proxy names, and by nobody else’s word', async () => {
    const from = (remoteAddress: string) =>
      gateway.call({
        method: 'GET',
        url: '/api/v1/users',
        headers: { 'x-api-key': newHouseholdKey(), 'x-forwarded-for': '10.1.2.3' },
        remoteAddress,
      });
    expect((await from('127.0.0.1')).status).toBe(200);
    expect((await from('192.0.2.1')).status).toBe(403);
  });
});

describe('a key that was rotated', () => {
  it('works until its grace ends, and is revoked from then on, also when it is remembered', async () => {
    await start();
    const retires_at = new Date(Date.now() + 300).toISOString();
    gateway.bus.answers['key.verify'] = () => [{ ...verifiedKey, retires_at }];
    const key = newHouseholdKey();
    for (let code = 'ok'; code === 'ok';) {
      const before = Date.now();
      ({ code } = await ask(key));
      if (code === 'ok') expect(before).toBeLessThan(Date.parse(retires_at));
      else expect([code, Date.now() >= Date.parse(retires_at)]).toEqual(['REVOKED_API_KEY', true]);
    }
    expect(gateway.bus.keysAsked).toBe(1);
  });
});
