import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { logger } from '#service/logger.js';
import type { VerificationKey } from './plaid-keys.js';
import { plaidWebhookVerifier } from './plaid-webhook.js';
import { ProviderError } from './provider.js';

const now = new Date('2026-01-15T12:00:00Z');
const seconds = now.getTime() / 1000;
const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const publicKey = (key: KeyObject, more: Partial<VerificationKey> = {}): VerificationKey => ({
  ...(key.export({ format: 'jwk' }) as { kty: string; crv: string; x: string; y: string }),
  alg: 'ES256',
  expired_at: null,
  ...more,
});

interface Signing {
  body?: string;
  key?: KeyObject;
  kid?: string;
  iat?: number;
  hash?: string;
}

async function signed({ body = itemError, key = ours.privateKey, kid = 'key-1', iat = seconds, hash }: Signing = {}) {
  const request_body_sha256 = hash ?? createHash('sha256').update(body).digest('hex');
  const token = await new SignJWT({ request_body_sha256, iat }).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
  return { headers: { 'plaid-verification': token }, body: Buffer.from(body), now };
}

const webhook = (more: object): string => JSON.stringify({ webhook_type: 'ITEM', item_id: 'item_1', ...more });
const itemError = webhook({ webhook_code: 'ERROR', error: { error_code: 'ITEM_LOGIN_REQUIRED' } });

/** Signed so many milliseconds later, and delivered then. */
const at = async (ms: number, signing: Signing = {}) => {
  const later = new Date(now.getTime() + ms);
  return { ...(await signed({ iat: Math.floor(later.getTime() / 1000), ...signing })), now: later };
};

const unreachable = new ProviderError('PROVIDER_UNREACHABLE', { retryable: true });
const unknown = new ProviderError('INVALID_WEBHOOK_VERIFICATION_KEY_ID', { retryable: false });

const verifier = (key: VerificationKey = publicKey(ours.publicKey)) => {
  const asked: string[] = [];
  let plaid: 'there' | 'away' | 'unknown' = 'there';
  const verify = plaidWebhookVerifier((keyId) => {
    asked.push(keyId);
    if (plaid === 'away') return Promise.reject(unreachable);
    return plaid === 'there' && keyId === 'key-1' ? Promise.resolve(key) : Promise.reject(unknown);
  });
  return { verify, asked, become: (next: typeof plaid) => void (plaid = next) };
};

beforeEach(() => void (logger.level = 'silent'));

describe('what a Plaid webhook means', () => {
  it.each([
    [{ webhook_code: 'ERROR', error: { error_code: 'ITEM_LOGIN_REQUIRED' } }, 'login_required', 'ITEM_LOGIN_REQUIRED'],
    [{ webhook_code: 'USER_PERMISSION_REVOKED' }, 'login_required', 'USER_PERMISSION_REVOKED'],
    [{ webhook_code: 'LOGIN_REPAIRED' }, 'login_repaired', 'LOGIN_REPAIRED'],
    [{ webhook_code: 'PENDING_EXPIRATION' }, 'none', 'PENDING_EXPIRATION'],
    [{ webhook_code: 'ERROR', error: { error_code: 'INSTITUTION_DOWN' } }, 'provider_error', 'INSTITUTION_DOWN'],
    [{ webhook_code: 'ERROR', error: { error_code: 'ITEM_LOCKED' } }, 'provider_error', 'ITEM_LOCKED'],
    [
      { webhook_code: 'ERROR', error: { error_code: 'USER_PERMISSION_REVOKED' } },
      'login_required',
      'USER_PERMISSION_REVOKED',
    ],
    [{ webhook_code: 'ERROR', error: { error_code: `no\u0000 code` } }, 'none', ''],
    [{ webhook_code: 'ERROR', error: { error_code: 'X'.repeat(201) } }, 'none', ''],
    [{ webhook_type: 'AUTH', webhook_code: 'ERROR', error: { error_code: 'ITEM_LOCKED' } }, 'none', 'ITEM_LOCKED'],
    [{ webhook_code: 'ERROR', error: null }, 'none', ''],
    [{ webhook_type: 'TRANSACTIONS', webhook_code: 'LOGIN_REPAIRED' }, 'none', 'LOGIN_REPAIRED'],
  ])('%j is %s', async (body, effect, code) => {
    const fact = await verifier().verify(await signed({ body: webhook(body) }));
    expect(fact).toMatchObject({ effect, code, providerItemId: 'item_1' });
  });

  it('has one delivery id for its repeats and another for the next webhook with the same text', async () => {
    const { verify } = verifier();
    const ids = [await signed(), await signed(), await signed({ iat: seconds + 1 })];
    const [first, repeat, next] = await Promise.all(ids.map(async (each) => (await verify(each))?.deliveryId));
    expect(repeat).toBe(first);
    expect(next).not.toBe(first);
  });
});

describe('the time of a Plaid webhook', () => {
  it.each([200, -200])('may be off by what a clock may be: %d seconds', async (off) => {
    expect(await verifier().verify(await signed({ iat: seconds + off }))).not.toBeNull();
  });

  it('is spoken of once when it alone is wrong, and not when the signature is', async () => {
    const warn = jest.spyOn(logger, 'warn');
    const { verify } = verifier();
    await verify(await signed({ iat: seconds + 400, key: theirs.privateKey }));
    expect(warn).not.toHaveBeenCalled();
    for (let n = 0; n < 3; n++) expect(await verify(await signed({ iat: seconds + 400 }))).toBeNull();
    expect(warn.mock.calls).toEqual([[{ age_seconds: -400 }, expect.stringContaining('clock')]]);
    warn.mockRestore();
  });
});

describe('a Plaid webhook that is not genuine', () => {
  it.each<[string, Signing]>([
    ['signed by another key', { key: theirs.privateKey }],
    ['naming an unknown key', { kid: 'key-2' }],
    ['naming a key no key is called', { kid: '../key' }],
    ['five minutes old', { iat: seconds - 301 }],
    ['from the future', { iat: seconds + 301 }],
    ['of another body', { hash: createHash('sha256').update('{}').digest('hex') }],
    ['with a hash of another length', { hash: 'abc' }],
    ['that is no JSON object', { body: '"text"' }],
    ['that is no JSON', { body: '{' }],
  ])('is not believed: %s', async (_why, signing) => {
    expect(await verifier().verify(await signed(signing))).toBeNull();
  });

  it('is not believed under an algorithm that takes the public key for a shared secret, nor under none', async () => {
    const { headers, body } = await signed();
    const [, payload] = headers['plaid-verification'].split('.');
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Record<string, unknown>;
    const secret = new TextEncoder().encode(JSON.stringify(publicKey(ours.publicKey)));
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'key-1' }).sign(secret);
    const none = `${Buffer.from('{"alg":"none","kid":"key-1"}').toString('base64url')}.${payload}.`;
    const { verify, asked } = verifier();
    for (const token of [symmetric, none, '', 'a.b.c', '....']) {
      expect(await verify({ headers: { 'plaid-verification': token }, body, now })).toBeNull();
    }
    expect(asked).toEqual([]);
  });

  it('is not believed when its key has expired', async () => {
    const expired = publicKey(ours.publicKey, { expired_at: seconds - 1 });
    expect(await verifier(expired).verify(await signed())).toBeNull();
  });
});

describe('the verification keys', () => {
  it('are fetched once an hour', async () => {
    const { verify, asked } = verifier();
    await verify(await signed());
    await verify(await signed());
    const later = new Date(now.getTime() + 3_600_001);
    await verify({ ...(await signed({ iat: later.getTime() / 1000 })), now: later });
    expect(asked).toEqual(['key-1', 'key-1']);
  });

  it('are not looked up without end for made-up names, and the answer is then "try again"', async () => {
    const { verify, asked } = verifier();
    for (let n = 0; n < 10; n += 1) await verify(await signed({ kid: `made-up-${n}` }));
    const refused = verify(await signed());
    await expect(refused).rejects.toMatchObject({ code: 'TOO_MANY_KEY_LOOKUPS', retryable: true });
    expect(asked).toHaveLength(10);
    const later = new Date(now.getTime() + 60_000);
    expect(await verify({ ...(await signed()), now: later })).not.toBeNull();
  });

  it('are looked up again also where the clock was set back', async () => {
    const { verify } = verifier();
    for (let n = 0; n < 10; n += 1) await verify(await signed({ kid: `made-up-${n}` }));
    expect(await verify(await at(-3_600_000))).not.toBeNull();
  });

  it('that are known are renewed however many made-up names come first', async () => {
    const { verify, asked } = verifier();
    await verify(await signed());
    for (let n = 0; n < 10; n += 1) await verify(await at(3_600_001, { kid: `made-up-${n}` }));
    expect(await verify(await at(3_600_001))).not.toBeNull();
    expect(asked.at(-1)).toBe('key-1');
  });

  it('that are known are believed for six hours while they cannot be fetched, and asked for once a minute', async () => {
    const { verify, asked, become } = verifier();
    await verify(await signed());
    become('away');
    for (const ms of [3_600_001, 3_630_000, 3_700_000, 21_599_000]) expect(await verify(await at(ms))).not.toBeNull();
    expect(asked).toHaveLength(4);
    await expect(verify(await at(21_700_000))).rejects.toMatchObject({ retryable: true });
  });

  it('that are known are not believed beyond their own end, nor once Plaid knows them no more', async () => {
    const ending = verifier(publicKey(ours.publicKey, { expired_at: seconds + 3_700 }));
    await ending.verify(await signed());
    ending.become('away');
    expect(await ending.verify(await at(3_700_000))).toBeNull();
    const { verify, become } = verifier();
    await verify(await signed());
    become('unknown');
    for (const ms of [3_600_001, 3_600_002]) expect(await verify(await at(ms))).toBeNull();
  });

  it('are asked for once by deliveries that come together', async () => {
    const { verify, asked } = verifier();
    const delivery = await signed();
    expect(await Promise.all(Array.from({ length: 20 }, () => verify(delivery)))).not.toContain(null);
    expect(asked).toEqual(['key-1']);
  });

  it('that cannot be fetched leave the question open', async () => {
    const verify = plaidWebhookVerifier(() => Promise.reject(unreachable));
    await expect(verify(await signed())).rejects.toBe(unreachable);
  });
});
