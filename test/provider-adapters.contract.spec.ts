import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlaidProvider } from '../apps/connection/src/providers/plaid.js';
import { type Provider, sharesAccounts } from '../apps/connection/src/providers/provider.js';
import { providersFrom } from '../apps/connection/src/providers/providers.js';
import { teller as tellerScheme } from '../apps/connection/src/webhook-schemes/teller.js';
import { type RunningBank, startBank } from '../apps/sandbox-bank/src/bank.js';
import { linkAtSandboxBank } from './sandbox-person.js';

interface Delivery {
  path: string | undefined;
  headers: Record<string, string>;
  body: Buffer;
}

const folder = mkdtempSync(join(tmpdir(), 'bank-'));
const settings = {
  port: 0,
  host: '127.0.0.1',
  dataFile: join(folder, 'ledger.jsonl'),
  plaid: { clientId: 'client', secret: 'plaid-secret' },
};
let bank: RunningBank;
let plaid: PlaidProvider;
let teller: Provider;
let receiver: Server;
let webhookUrl: string;
let deliveries: Delivery[] = [];
/** What the receiver answers to the next deliveries; 200 once it is empty. */
let statuses: number[] = [];

const tellerSettings = { applicationId: 'app_1', signingSecret: 'teller-secret' };

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers, url: path } = request;
      deliveries.push({ path, headers: headers as Record<string, string>, body: Buffer.concat(chunks) });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  await open();
});

beforeEach(() => {
  deliveries = [];
  statuses = [];
});

afterAll(async () => {
  await bank.close();
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true });
});

async function open(url = webhookUrl): Promise<void> {
  bank = await startBank({ ...settings, teller: { ...tellerSettings, webhookUrl: url } });
  const providers = providersFrom({
    plaid: { baseUrl: bank.url, ...settings.plaid, scriptUrl: `${bank.url}/link/v2/stable/link-initialize.js` },
    teller: {
      baseUrl: bank.url,
      applicationId: tellerSettings.applicationId,
      environment: 'sandbox',
      scriptUrl: `${bank.url}/connect/connect.js`,
    },
  });
  plaid = providers.plaid!;
  teller = providers.teller!;
}

const start = () => ({ userRef: 'user-1', language: 'pt-BR', clientName: 'Latchkey', webhookUrl });

const ledgerState = async (id: string) => {
  const ledger = (await (await fetch(`${bank.url}/sandbox/ledger`)).json()) as {
    items: { id: string; state: string }[];
  };
  return ledger.items.find((item) => item.id === id)?.state;
};

async function delivered(count: number): Promise<Delivery> {
  const deadline = Date.now() + 10_000;
  while (deliveries.length < count && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(deliveries).toHaveLength(count);
  return deliveries[count - 1]!;
}

const withMutatedBody = ({ body, ...delivery }: Delivery): Delivery => ({
  ...delivery,
  body: Buffer.from(body.toString().replace(/_id":"./, '_id":"X')),
});

describe('Plaid through the official client', () => {
  const link = async (more: { username?: string; accessToken?: string } = {}) => {
    const { link_token: token } = await plaid.start({ ...start(), ...more });
    return linkAtSandboxBank(bank.url, { provider: 'plaid', token: token!, ...more });
  };
  const linked = async (username = 'user_good') => plaid.exchange((await link({ username })).public_token);

  it('starts a link with the script and a token', async () => {
    const started = await plaid.start(start());
    expect(started).toEqual({
      kind: 'plaid',
      script_url: `${bank.url}/link/v2/stable/link-initialize.js`,
      link_token: expect.stringMatching(/^link-sandbox-/),
    });
  });

  it('exchanges a public token, with the institution and the accounts', async () => {
    const exchanged = await linked();
    expect(exchanged).toMatchObject({ institutionId: 'ins_109508', institutionName: 'First Platypus Bank' });
    expect(exchanged.accountsFingerprint).toMatch(/^[0-9a-f]{16}\.[0-9a-f]{16}$/);
    expect(await ledgerState(exchanged.providerItemId)).toBe('live');
  });

  it('has no item in the ledger before the exchange, and one however often it is exchanged, also at once', async () => {
    const { public_token: token } = await link();
    const count = async () =>
      ((await (await fetch(`${bank.url}/sandbox/ledger`)).json()) as { items: object[] }).items.length;
    const before = await count();
    const exchanges = await Promise.all([plaid.exchange(token), plaid.exchange(token), plaid.exchange(token)]);
    expect(new Set(exchanges.map((each) => `${each.accessToken} ${each.providerItemId}`)).size).toBe(1);
    expect(await count()).toBe(before + 1);
  });

  it('exchanges the same token to the same item after the bank was started anew', async () => {
    const { public_token: token } = await link();
    const first = await plaid.exchange(token);
    await bank.close();
    await open();
    expect(await plaid.exchange(token)).toEqual(first);
  });

  it('refuses an unknown public token for good', async () => {
    await expect(plaid.exchange('public-sandbox-nothing')).rejects.toMatchObject({
      name: 'ProviderError',
      code: 'INVALID_PUBLIC_TOKEN',
      retryable: false,
    });
  });

  it('finds a new sign-in needed after a reset, and the login healthy after the repair', async () => {
    const { accessToken, accountsFingerprint: fingerprint } = await linked();
    expect(await plaid.check(accessToken)).toEqual({
      healthy: true,
      accountsFingerprint: fingerprint,
      errorCode: null,
    });
    await plaid.resetLogin(accessToken, webhookUrl);
    expect(await plaid.check(accessToken)).toMatchObject({ healthy: false, errorCode: 'ITEM_LOGIN_REQUIRED' });
    await link({ accessToken });
    expect(await plaid.check(accessToken)).toMatchObject({ healthy: true, accountsFingerprint: fingerprint });
  });

  it('notices another person in update mode, and the first one again', async () => {
    const { accessToken, accountsFingerprint: first } = await linked();
    await link({ accessToken, username: 'user_other' });
    const other = await plaid.check(accessToken);
    expect(other.healthy).toBe(true);
    expect(sharesAccounts(first!, other.accountsFingerprint!)).toBe(false);
    await link({ accessToken, username: 'user_good' });
    expect((await plaid.check(accessToken)).accountsFingerprint).toBe(first);
  });

  it('removes an item, and again', async () => {
    const { accessToken, providerItemId } = await linked();
    await plaid.remove(accessToken);
    await plaid.remove(accessToken);
    expect(await ledgerState(providerItemId)).toBe('removed');
    expect(await plaid.check(accessToken)).toMatchObject({ healthy: false, errorCode: 'ITEM_NOT_FOUND' });
  });

  it('takes wrong keys of ours for an error, not for a verdict on the login', async () => {
    const { accessToken } = await linked();
    const wrong = providersFrom({
      plaid: { baseUrl: bank.url, clientId: 'client', secret: 'no', scriptUrl: '' },
    }).plaid!;
    await expect(wrong.check(accessToken)).rejects.toMatchObject({ code: 'INVALID_API_KEYS', retryable: false });
    await expect(wrong.remove(accessToken)).rejects.toMatchObject({ code: 'INVALID_API_KEYS' });
  });

  it('believes a signed webhook, equal for each repeat of it', async () => {
    const { accessToken, providerItemId } = await linked();
    statuses = [503, 500];
    await plaid.resetLogin(accessToken, webhookUrl);
    await delivered(3);
    const facts = await Promise.all(deliveries.map((each) => plaid.verifyWebhook({ ...each, now: new Date() })));
    expect(facts[0]).toMatchObject({
      type: 'ITEM:ERROR',
      effect: 'login_required',
      providerItemId,
      code: 'ITEM_LOGIN_REQUIRED',
    });
    expect(facts[1]).toEqual(facts[0]);
    expect(facts[2]).toEqual(facts[0]);
  });

  it('sends to the address that it was told last: with the link, a relink, or a reset', async () => {
    const { accessToken } = await linked();
    const fire = async () => {
      const { clientId: client_id, secret } = settings.plaid;
      const body = JSON.stringify({ client_id, secret, access_token: accessToken, webhook_code: 'LOGIN_REPAIRED' });
      const headers = { 'content-type': 'application/json' };
      await fetch(`${bank.url}/sandbox/item/fire_webhook`, { method: 'POST', headers, body });
    };
    await fire();
    await delivered(1);
    await plaid.start({ ...start(), accessToken, webhookUrl: `${webhookUrl}/relink` });
    await fire();
    await delivered(2);
    await plaid.resetLogin(accessToken, `${webhookUrl}/reset`);
    await delivered(3);
    expect(deliveries.map(({ path }) => path)).toEqual(['/hook', '/hook/relink', '/hook/reset']);
  });

  it('believes no mutated, stale, early or unsigned webhook', async () => {
    await plaid.resetLogin((await linked()).accessToken, webhookUrl);
    const genuine = await delivered(1);
    const now = new Date();
    const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);
    for (const age of [290, -290]) expect(await plaid.verifyWebhook({ ...genuine, now: at(age) })).not.toBeNull();
    const forged = [
      { ...withMutatedBody(genuine), now },
      { ...genuine, body: Buffer.concat([genuine.body, Buffer.from(' ')]), now },
      { ...genuine, now: at(310) },
      { ...genuine, now: at(-310) },
      { body: genuine.body, headers: {}, now },
    ];
    for (const delivery of forged) expect(await plaid.verifyWebhook(delivery)).toBeNull();
  });
});

describe('Teller', () => {
  const link = (more: { username?: string; enrollment_id?: string } = {}) =>
    linkAtSandboxBank(bank.url, {
      provider: 'teller',
      application_id: 'app_1',
      institution_id: 'tartan_bank',
      ...more,
    });
  const linked = async () => teller.exchange((await link()).accessToken);

  it('starts a link, and a repair with the enrollment', async () => {
    const base = {
      kind: 'teller',
      script_url: `${bank.url}/connect/connect.js`,
      application_id: 'app_1',
      environment: 'sandbox',
    };
    expect(await teller.start(start())).toEqual(base);
    expect(await teller.start({ ...start(), enrollmentId: 'enr_1' })).toEqual({ ...base, enrollment_id: 'enr_1' });
  });

  it('has a live enrollment as soon as the person allows, and proves the token by reading the accounts', async () => {
    const { accessToken, enrollment } = await link();
    expect(await ledgerState(enrollment.id)).toBe('live');
    expect(await teller.exchange(accessToken)).toMatchObject({
      accessToken,
      providerItemId: enrollment.id,
      institutionId: 'tartan_bank',
      institutionName: 'Tartan Bank',
    });
    await expect(teller.exchange('token_made_up')).rejects.toMatchObject({ code: 'forbidden', retryable: false });
  });

  it('finds a disconnected enrollment, and the same accounts after the repair', async () => {
    const { accessToken, providerItemId, accountsFingerprint: first } = await linked();
    await teller.resetLogin(accessToken, webhookUrl);
    const broken = await teller.check(accessToken);
    expect(broken).toMatchObject({ healthy: false, accountsFingerprint: null });
    expect(broken.errorCode).toMatch(/^enrollment\.disconnected/);
    await link({ enrollment_id: providerItemId, username: 'user_other' });
    expect(sharesAccounts(first!, (await teller.check(accessToken)).accountsFingerprint!)).toBe(false);
    expect((await link({ enrollment_id: providerItemId })).accessToken).toBe(accessToken);
    expect(await teller.check(accessToken)).toEqual({ healthy: true, accountsFingerprint: first, errorCode: null });
  });

  it('sends to the address that the application has now, not to the one of when the login was made', async () => {
    const reopen = async (url?: string) => {
      await bank.close();
      await open(url);
    };
    await reopen(`${webhookUrl}/former`);
    const { accessToken } = await linked();
    await reopen();
    await teller.resetLogin(accessToken, webhookUrl);
    expect((await delivered(1)).path).toBe('/hook');
  });

  it('removes an enrollment, and again', async () => {
    const { accessToken, providerItemId } = await linked();
    await teller.remove(accessToken);
    await teller.remove(accessToken);
    expect(await ledgerState(providerItemId)).toBe('removed');
    expect(await teller.check(accessToken)).toMatchObject({ healthy: false, errorCode: 'forbidden' });
  });

  it('believes a signed webhook, equal for each repeat, and no mutated or stale one', async () => {
    const { accessToken, providerItemId } = await linked();
    statuses = [500];
    await teller.resetLogin(accessToken, webhookUrl);
    const genuine = await delivered(2);
    const now = new Date();
    const verified = (delivery: Delivery, at = now) =>
      tellerScheme({ ...delivery, secrets: [tellerSettings.signingSecret], now: at });
    const fact = await verified(genuine);
    expect(fact).toMatchObject({ type: 'enrollment.disconnected', effect: 'login_required', providerItemId });
    expect(await verified(deliveries[0]!)).toEqual(fact);
    expect(await verified(withMutatedBody(genuine))).toBeNull();
    expect(await verified(genuine, new Date(now.getTime() + 200_000))).toBeNull();
  });
});
