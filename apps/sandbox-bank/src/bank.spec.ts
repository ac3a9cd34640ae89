import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningBank, startBank } from './bank.js';
import { readConfig } from './config.js';

let folder: string;
let bank: RunningBank;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bank-'));
  bank = await startBank({
    port: 0,
    host: '127.0.0.1',
    dataFile: join(folder, 'ledger.jsonl'),
    plaid: { clientId: 'client', secret: 'secret' },
    teller: { applicationId: 'app_1', signingSecret: 'secret', webhookUrl: null },
  });
});

afterEach(async () => {
  await bank.close();
  rmSync(folder, { recursive: true });
});

const post = async (path: string, body: unknown) => {
  const response = await fetch(`${bank.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};
const plaid = (path: string, body: object) => post(path, { client_id: 'client', secret: 'secret', ...body });
const teller = (method: string, path: string, authorization?: string) =>
  fetch(`${bank.url}${path}`, { method, headers: authorization ? { authorization } : {} });

const link = { client_name: 'Us', language: 'en', country_codes: ['US'], user: { client_user_id: 'u' } };

async function enrolled(): Promise<{ authorization: string; id: string }> {
  const visit = { provider: 'teller', application_id: 'app_1', institution_id: 'tartan_bank', visitor: 'v' };
  const signedIn = await post('/sandbox/sign-in', { ...visit, username: 'user_good', password: 'pass_good' });
  const { body } = await post('/sandbox/allow', { ticket: signedIn.body.ticket });
  const enrollment = body.enrollment as unknown as { id: string };
  return { authorization: `Basic ${Buffer.from(`${body.accessToken}:`).toString('base64')}`, id: enrollment.id };
}

describe("Plaid's refusals", () => {
  it.each([
    ['/item/get', { client_id: 'client', secret: 'wrong', access_token: 'x' }, 'INVALID_INPUT', 'INVALID_API_KEYS'],
    ['/item/get', { access_token: 'access-sandbox-x' }, 'INVALID_INPUT', 'INVALID_ACCESS_TOKEN'],
    ['/item/get', {}, 'INVALID_REQUEST', 'MISSING_FIELDS'],
    ['/link/token/create', link, 'INVALID_REQUEST', 'MISSING_FIELDS'],
    ['/link/token/create', { ...link, user: null }, 'INVALID_REQUEST', 'MISSING_FIELDS'],
    ['/item/public_token/exchange', { public_token: 'x' }, 'INVALID_INPUT', 'INVALID_PUBLIC_TOKEN'],
    ['/institutions/get_by_id', { institution_id: 'ins_0' }, 'INVALID_INPUT', 'INVALID_INSTITUTION'],
    ['/webhook_verification_key/get', { key_id: 'x' }, 'INVALID_INPUT', 'INVALID_WEBHOOK_VERIFICATION_KEY_ID'],
  ])('%s %j', async (path, body, type, code) => {
    expect(await plaid(path, body)).toMatchObject({
      status: 400,
      body: { error_type: type, error_code: code, error_message: expect.any(String), request_id: expect.any(String) },
    });
  });

  it('come before the body is looked at when the keys are missing', async () => {
    expect((await post('/item/get', {})).body.error_code).toBe('INVALID_API_KEYS');
  });

  it.each(['{', 'null', '"text"', '[]'])('take the body %s for a bad request, never for a fault', async (body) => {
    expect((await post('/item/get', body)).status).toBe(400);
  });
});

describe("Teller's API", () => {
  it.each([
    [undefined, 401],
    ['Bearer token_x', 401],
    ['Basic', 401],
    [`Basic ${Buffer.from('token_x:').toString('base64')}`, 403],
  ])('answers %j with %i', async (authorization, status) => {
    const response = await teller('GET', '/accounts', authorization);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
  });

  it('lists, shows and removes accounts; the enrollment goes with its last one', async () => {
    const { authorization } = await enrolled();
    const [first, second] = (await (await teller('GET', '/accounts', authorization)).json()) as { id: string }[];
    expect(await (await teller('GET', `/accounts/${first!.id}`, authorization)).json()).toEqual(first);
    expect((await teller('DELETE', `/accounts/${first!.id}`, authorization)).status).toBe(204);
    expect((await teller('GET', `/accounts/${first!.id}`, authorization)).status).toBe(404);
    expect(await (await teller('GET', '/accounts', authorization)).json()).toEqual([second]);
    expect((await teller('DELETE', `/accounts/${second!.id}`, authorization)).status).toBe(204);
    expect((await teller('GET', '/accounts', authorization)).status).toBe(403);
  });

  it('knows no item of Plaid, and Plaid no enrollment', async () => {
    const { authorization } = await enrolled();
    const accessToken = Buffer.from(authorization.slice(6), 'base64').toString().slice(0, -1);
    expect((await plaid('/item/get', { access_token: accessToken })).body.error_code).toBe('INVALID_ACCESS_TOKEN');
  });
});

describe('the dialog', () => {
  it('gives what was allowed once only', async () => {
    const { body: created } = await plaid('/link/token/create', { ...link, products: ['transactions'] });
    const visit = { provider: 'plaid', token: created.link_token, institution_id: 'ins_109508', visitor: 'v' };
    const { body } = await post('/sandbox/sign-in', { ...visit, username: 'user_good', password: 'pass_good' });
    const allowed = [await post('/sandbox/allow', body), await post('/sandbox/allow', body)];
    expect(allowed[0]!.body.public_token).toMatch(/^public-sandbox-/);
    expect(allowed[1]!.body).toMatchObject({ error: { error_code: 'INVALID_LINK_TOKEN' } });
  });

  it('does not repair an enrollment that is removed while it stands open', async () => {
    const { authorization, id } = await enrolled();
    const visit = { provider: 'teller', application_id: 'app_1', enrollment_id: id, institution_id: '', visitor: 'v' };
    const { body } = await post('/sandbox/sign-in', { ...visit, username: 'user_good', password: 'pass_good' });
    await teller('DELETE', '/accounts', authorization);
    expect((await post('/sandbox/allow', body)).body).toMatchObject({ error: { error_code: 'INVALID_LINK_TOKEN' } });
  });

  it.each(['/sandbox/session', '/sandbox/sign-in', '/sandbox/allow'])('refuses nonsense at %s', async (path) => {
    for (const body of [{}, '[]', 'null', '{"provider":"other"}']) expect((await post(path, body)).status).toBe(400);
  });

  it('is served under a policy without anything inline', async () => {
    const { headers } = await fetch(`${bank.url}/sandbox/dialog`);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe/);
  });
});

describe('the ledger', () => {
  it('counts calls and successful reads, and shows no token', async () => {
    const { authorization, id } = await enrolled();
    await teller('GET', '/accounts', authorization);
    await teller('GET', '/accounts', authorization);
    await teller('POST', '/sandbox/enrollments/disconnect', authorization);
    await teller('GET', '/accounts', authorization);
    const ledger = (await (await fetch(`${bank.url}/sandbox/ledger`)).json()) as { calls: Record<string, number> };
    expect(ledger).toMatchObject({
      items: [{ id, provider: 'teller', institution: 'Tartan Bank', state: 'live', verified: 2 }],
    });
    expect(ledger.calls['GET /accounts']).toBe(3);
    expect(JSON.stringify(ledger)).not.toContain('token_');
  });
});

describe('the configuration', () => {
  it('names every variable that is missing', () => {
    expect(() => readConfig({ SANDBOX_BANK_PORT: '0' })).toThrow(/SANDBOX_BANK_DATA[^]*PLAID_SECRET/);
  });
});
