import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { sharedStack } from '#testing/stack.js';
import { type PlatformCaller, platformCaller, refused, said } from './platform-caller.js';

const stack = sharedStack();
let api: PlatformCaller;
let keyOfBank: string;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  const answer = await fetch(`${stack.run().parts['sandbox-bank']!.url}/sandbox/jwt-key`);
  keyOfBank = ((await answer.json()) as { private_key: string }).private_key;
});

const strangersKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const hmac = (access_key: string, secret = 'pass_good') =>
  api.post('/v1/connections/hmac-validate', { server_id: 'sandbox-hmac', secret: { access_key, secret } });
const jwt = (key_name: string, private_key = keyOfBank) =>
  api.post('/v1/connections/jwt-validate', { server_id: 'sandbox-jwt', secret: { key_name, private_key } });

const tries = [
  ['hmac-validate', hmac, 'sandbox-hmac', () => 'wrong-secret'],
  ['jwt-validate', jwt, 'sandbox-jwt', () => strangersKey.export({ type: 'sec1', format: 'pem' }).toString()],
] as const;

describe.each(tries)('POST /v1/connections/%s', (name, attempt, provider, wrong) => {
  it('says that the provider accepts the credential', async () => {
    const { status, body } = await attempt('user_good');
    expect([status, body]).toEqual([200, { ok: true, provider, latency_ms: expect.any(Number) }]);
  });

  it('says that the provider rejects it', async () => {
    const { status, body } = await attempt('user_good', wrong());
    const detail = 'HTTP 401: {"error":"The signature does not fit."}';
    expect([status, body]).toEqual([200, { ok: false, provider, error: 'provider_rejected', detail }]);
  });

  it('follows no redirect', async () => {
    const { body } = await attempt('user_redirect');
    const detail = 'HTTP 302: redirects are not followed.';
    expect(body).toEqual({ ok: false, provider, error: 'provider_unreachable', detail });
  });

  it('shows nothing of a credential that the provider repeats', async () => {
    const { body, text } = await attempt('user_echo');
    expect(body).toMatchObject({ ok: false, error: 'provider_rejected' });
    expect(body.detail).toContain('is withheld');
    expect(text).not.toContain('user_echo');
  });

  it('says that a provider is down', async () =>
    expect((await attempt('user_down')).body).toMatchObject({ ok: false, error: 'provider_unreachable' }));

  it('refuses other names, other servers and other shapes', async () => {
    const path = `/v1/connections/${name}`;
    const mismatch = await api.post(path, { server_id: provider, secret: { a: 'x' } });
    expect(said(mismatch)).toEqual(refused(400, 'keys_mismatch'));
    expect(mismatch.body.error.details.extra).toEqual(['a']);
    const unknown = await api.post(path, { server_id: 'acme', secret: { a: 'x' } });
    expect(said(unknown)).toEqual(refused(404, 'server_unknown'));
    for (const body of [
      { server_id: 'stripe', secret: { api_key: 'x' } },
      { server_id: provider, secret: 'x' },
      { server_id: provider },
    ])
      expect(said(await api.post(path, body))).toEqual(refused(400, 'invalid_body'));
    const reader = await platformCaller(stack.run(), 'read_only');
    expect(said(await reader.post(path, {}))).toEqual(refused(403, 'forbidden'));
  });
});

describe('a candidate', () => {
  it('waits for a slow provider no longer than five seconds', async () => {
    const { status, body } = await hmac('user_slow');
    expect([status, body]).toEqual([
      200,
      { ok: false, provider: 'sandbox-hmac', error: 'provider_unreachable', detail: 'No answer in time.' },
    ]);
  });

  it('that is no P-256 key in PEM is an invalid key, and is sent nowhere', async () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'sec1', format: 'pem' });
    for (const key of ['no key', p384.toString()])
      expect((await jwt('user_good', key)).body).toMatchObject({ ok: false, error: 'invalid_key' });
  });

  it('leaves no row behind', async () => {
    const { project } = (await api.get('/v1/whoami')).body as { project: { id: string } };
    const database = new Client({ connectionString: stack.run().databases['connection']! });
    await database.connect();
    const { rows } = await database.query(
      'select 1 from vault_entries where project_id = $1 union select 1 from connections where project_id = $1',
      [project.id],
    );
    await database.end();
    expect(rows).toEqual([]);
  });
});
