import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { connectEventStore } from '#eventstore/client.js';
import { busPasswordVariable } from '#service/bus-accounts.js';
import { type Answer, type Api, apiWith, newCaller, until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { anotherOAuth } from './another-oauth.js';
import { keptBy } from './kept.js';
import { workAsOperators } from './operator-visit.js';
import { allow, bankUrlOf, openLink, type Started } from './page-visit.js';
import { findSecrets, formsOf, type Wiretap, wiretap } from './secret-scan.js';

/** Not a secret: it is planted where a secret might slip in, and the scan must find it there. */
const planted = `planted-${randomBytes(16).toString('hex')}`;
const secrets: Record<string, string> = {};
/** What opens a bank's dialog goes from the bank through our services to the browser, and stays in none of them. */
const passing: Record<string, string> = {};
/** Answers that show no secret on purpose: refusals above all. */
const replies: string[] = [];

let broker: Stack;
let tap: Wiretap;
let stack: Stack;
let api: Api;
let user_id: string;

beforeAll(async () => {
  broker = await startStack({ parts: ['nats'], servers: 'local' });
  const { nats } = broker.run();
  tap = await wiretap({ host: '127.0.0.1', port: Number(new URL(nats.url).port) });
  const passwords = Object.values(nats.users).map(
    ({ user, password }) => [busPasswordVariable(user), password] as const,
  );
  const env = { ...Object.fromEntries(passwords), NATS_URL: `nats://127.0.0.1:${tap.port}` };
  stack = await startStack({ env, servers: 'local' });
  const caller = await newCaller(stack.run());
  api = caller.api;
  secrets['API key'] = caller.key;
});

afterAll(async () => {
  await stack?.stop();
  tap?.close();
  await broker?.stop();
});

const refused = (answer: Answer, ...statuses: number[]) => {
  expect(statuses).toContain(answer.status);
  replies.push(answer.text, JSON.stringify([...answer.headers]));
};

async function mint(name: string, path = '/api/v1/connections/link', headers: Record<string, string> = {}) {
  const body = path.endsWith('/link') ? { user_id, label: planted } : {};
  const minted = await api.post(path, body, headers);
  expect(minted.status).toBe(201);
  secrets[`link token ${name}`] = minted.body.token as string;
  return minted.body as { id: string; url: string; token: string };
}

/** A person's whole way through a link; what the bank gives the page is a secret from then on. */
async function link(provider: 'plaid' | 'teller', path?: string): Promise<string> {
  const session = await mint(`${provider} ${path ?? ''}`, path);
  const visit = await openLink(session.url);
  replies.push((await visit.post('activate')).text);
  const started = (await visit.post('start', { provider })).body as Started;
  if (started.link_token) passing[`${provider} dialog ${path ?? ''}`] = started.link_token;
  const { token } = await allow(bankUrlOf(stack), started);
  secrets[`${provider} token ${path ?? ''}`] = token;
  const finished = await visit.post('finish', { attempt_id: started.attempt_id, token });
  expect(finished.status).toBe(200);
  replies.push(finished.text, (await visit.state()).text);
  const page = await fetch(visit.base, { headers: { cookie: visit.cookie } });
  replies.push(await page.text());
  const { body } = await until(
    () => api.get(`/api/v1/connections/link/${session.id}`),
    (answer) => (answer.body.result_connection_ids as string[]).length === 1,
  );
  return (body.result_connection_ids as [string])[0];
}

/** The bank derives access tokens from a secret of its own: nobody but it and the vault should know them. */
function accessTokens(): Record<string, string> {
  const lines = readFileSync(join(stack.dataDir, 'sandbox-bank.json'), 'utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as { kind: string; id: string; value: Record<string, string> });
  const { tokenSecret } = records.find(({ kind }) => kind === 'bank')!.value;
  const items = records.filter(({ kind }) => kind === 'item');
  return Object.fromEntries(
    items.map(({ id, value }) => {
      const proof = createHmac('sha256', tokenSecret!).update(id).digest('base64url');
      return [`access token of ${id}`, `${value['provider'] === 'plaid' ? 'access-sandbox-' : 'token_'}${proof}`];
    }),
  );
}

/** The supervisor's own secrets that only single parts may know. */
function partSecrets(): Record<string, string> {
  const read = (name: string) => readFileSync(join(stack.dataDir, 'secrets', name), 'utf8').trim();
  const sandbox = ['sandbox-plaid-secret', 'sandbox-teller-signing-secret', 'sandbox-oauth-client-secret'];
  const names = ['vault.key', 'postgres-connection', 'eventstore-admin', ...sandbox];
  return Object.fromEntries(names.map((name) => [name, read(name)]));
}

const canary = (name: string): string => (secrets[name] = `canary-${randomBytes(16).toString('hex')}`);
const bearer = () => ({ authorization: `Bearer ${secrets['API key']}` });

/** A platform's way through a Connect Link; what of it is only the browser's and the provider's is a secret. */
async function connectByOAuth(): Promise<string> {
  const wish = { server_id: 'sandbox-oauth', user_id: planted, redirect_uri: 'https://app.example/done' };
  const started = await api.call('POST', '/v1/connections/start', wish, bearer());
  expect(started.status).toBe(200);
  secrets['state of a Connect Link'] = started.body.link_token as string;
  const approved = await fetch(started.body.authorize_url as string, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ decision: 'approve', trouble: 'none' }),
  });
  const address = approved.headers.get('location')!;
  secrets['authorization code'] = new URL(address).searchParams.get('code')!;
  const back = await fetch(address, { redirect: 'manual' });
  const location = back.headers.get('location')!;
  replies.push(location, await back.text(), await (await fetch(address, { redirect: 'manual' })).text());
  return new URL(location).searchParams.get('connection_id')!;
}

/** The tokens as they were given, and as they are after a refresh. */
async function nameTokens(connection: string): Promise<void> {
  const client = connectEventStore(stack.run().eventstore.url);
  const database = await new DataSource({ type: 'postgres', url: stack.run().databases['connection']! }).initialize();
  try {
    for (const [when, minutes] of [
      ['given', 0],
      ['refreshed', 58],
    ] as const) {
      const now = () => new Date(Date.now() + minutes * 60_000);
      const replica = Object.assign(anotherOAuth(stack, { events: client, database }), { now });
      const tokens = await replica.fresh(parsePlatformConnectionId(connection)!);
      secrets[`access token ${when}`] = tokens!.accessToken;
      secrets[`refresh token ${when}`] = tokens!.refreshToken!;
    }
  } finally {
    await client.dispose();
    await database.destroy();
  }
}

/** Where a secret might have got to. */
async function everywhere(): Promise<Record<string, Buffer>> {
  const places = await keptBy(stack);
  Object.assign(places, { bus: tap.heard(), replies: Buffer.from(replies.join('\n')) });
  for (const [name, { port }] of Object.entries(stack.run().parts)) {
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
    if (metrics?.ok) places[`metrics ${name}`] = Buffer.from(await metrics.text());
  }
  return places;
}

describe('secrets as they pass', () => {
  it('a person links at both banks, is asked to sign in again, and does', async () => {
    const caller = { name: planted };
    user_id = ((await api.post('/api/v1/users', caller, { 'x-request-id': planted })).body as { id: string }).id;
    for (const provider of ['plaid', 'teller'] as const) {
      const connection = await link(provider);
      expect((await api.post(`/api/v1/sandbox/connections/${connection}/require-login`)).status).toBe(202);
      const needsSignIn = (answer: Answer) => answer.body.status === 'pending_reauth';
      await until(() => api.get(`/api/v1/connections/${connection}`), needsSignIn);
      await link(provider, `/api/v1/connections/${connection}/relink`);
    }
  });

  it('keys are made, used, repeated and revoked', async () => {
    const headers = { 'idempotency-key': 'once' };
    const made = await api.post('/api/v1/api-keys', { name: 'second', scope: 'full_access' }, headers);
    const again = await api.post('/api/v1/api-keys', { name: 'second', scope: 'full_access' }, headers);
    expect(again.text).toBe(made.text);
    secrets['second key'] = made.body.plaintext_key as string;
    const platform = await api.call(
      'POST',
      '/v1/api-keys',
      { name: 'third' },
      { authorization: `Bearer ${secrets['API key']}` },
    );
    expect(platform.status).toBe(201);
    secrets['platform key'] = platform.body.full_key as string;
    const { token } = await mint('repeated', undefined, headers);
    expect((await mint('repeated', undefined, headers)).token).toBe(token);
    const second = apiWith(stack.url, secrets['second key']);
    expect((await second.get('/api/v1/keys/me')).status).toBe(200);
    expect((await api.delete(`/api/v1/api-keys/${made.body.id}`)).status).toBe(204);
    refused(await second.get('/api/v1/keys/me'), 401);
  });

  it('operators are set up and invited, sign in rightly and wrongly, and choose passwords', async () => {
    const texts = await workAsOperators({
      base: stack.url,
      setupCode: stack.run().setup_code!,
      secret: (name, value) => (value === undefined ? canary(name) : (secrets[name] = value)),
      email: (name) => `${name}@${planted}.example`,
    });
    replies.push(...texts);
  });

  it('a platform connects by OAuth, and its tokens are refreshed', async () => {
    const connection = await connectByOAuth();
    await nameTokens(connection);
    expect(secrets['access token refreshed']).not.toBe(secrets['access token given']);
    replies.push((await api.call('GET', `/v1/connections/${connection}`, undefined, bearer())).text);
    replies.push((await api.call('POST', `/v1/connections/${connection}/revoke`, {}, bearer())).text);
  });

  it('a platform stores and tries credentials, and a provider delivers', async () => {
    const post = (path: string, body: object) => api.call('POST', `/v1/connections${path}`, body, bearer());
    const stored = { access_key: planted, secret: canary('stored credential') };
    const wish = { server_id: 'sandbox-hmac', user_id: planted, secret: stored };
    const created = await post('', wish);
    expect(created.status).toBe(201);
    const rotated = await post('', { ...wish, secret: { ...stored, secret: canary('rotated credential') } });
    expect(rotated.status).toBe(200);
    for (const access_key of ['user_good', 'user_echo', 'user_down']) {
      const secret = { access_key, secret: canary(`candidate of ${access_key}`) };
      const tried = await post('/hmac-validate', { server_id: 'sandbox-hmac', secret });
      expect([tried.status, tried.body.ok]).toEqual([200, false]);
      replies.push(tried.text);
    }
    const id = created.body.id as string;
    const signing = { secret: canary('webhook secret') };
    const set = await api.call('PUT', `/v1/connections/${id}/webhook-secret`, signing, bearer());
    expect(set.status).toBe(200);
    const body = JSON.stringify({ id: 'evt_1', type: planted, note: canary('webhook body') });
    const sign = (secret: string) => ({ 'x-signature': createHmac('sha256', secret).update(body).digest('hex') });
    const deliver = (text: string, secret: string) => api.post(`/v1/webhooks/sandbox-hmac/${id}`, text, sign(secret));
    const accepted = await deliver(body, signing.secret);
    expect(accepted.status).toBe(202);
    replies.push(created.text, rotated.text, set.text, accepted.text);
    refused(await deliver(body, 'wrong'), 401);
    refused(await deliver(`${body}{`, signing.secret), 401);
  });

  it('refusals and failures have every chance to say too much', async () => {
    const key = secrets['API key']!;
    const { url, token, id } = await mint('to be refused');
    refused(await apiWith(stack.url, `${key}x`).get('/api/v1/users'), 401);
    refused(await api.get(`/api/v1/users/${key}`), 404);
    refused(await api.get(`/api/v1/users?cursor=${key}&limit=${token}`), 400);
    refused(await api.get(`/api/v1/connections/link/${token}`), 404);
    refused(await api.post('/api/v1/connections/link', { user_id: token, provider: key }), 400);
    refused(await api.post('/api/v1/users', `{"name":"${key}`), 400);
    refused(await api.get(`/link/${token}/nothing`), 404);
    const visit = await openLink(url);
    refused(await visit.post('finish', { attempt_id: 'unknown0', token: key }), 409);
    await visit.post('activate');
    const started = (await visit.post('start', { provider: 'plaid' })).body as Started;
    secrets['wrong token'] = `public-sandbox-${randomBytes(16).toString('hex')}`;
    refused(await visit.post('finish', { attempt_id: started.attempt_id, token: secrets['wrong token'] }), 502);
    expect((await api.delete(`/api/v1/connections/link/${id}`)).status).toBe(204);
    const gone = await fetch(url, { redirect: 'manual' });
    expect(gone.status).toBe(410);
    replies.push(await gone.text());
  });

  it('the bank goes away with a token on its way to it', async () => {
    const session = await mint('without a bank');
    const visit = await openLink(session.url);
    await visit.post('activate');
    const started = (await visit.post('start', { provider: 'teller' })).body as Started;
    const { token } = await allow(bankUrlOf(stack), started);
    secrets['token without a bank'] = token;
    stack.kill('sandbox-bank');
    const answer = await visit.post('finish', { attempt_id: started.attempt_id, token });
    refused(answer, 503);
    const done = (seen: Answer) => (seen.body.result_connection_ids as string[]).length === 1;
    await until(() => api.get(`/api/v1/connections/link/${session.id}`), done, 20_000);
  });
});

describe('the scan', () => {
  let places: Record<string, Buffer>;
  beforeAll(async () => {
    Object.assign(secrets, accessTokens(), partSecrets());
    places = await everywhere();
  });

  it('finds what was planted, in every place and form', () => {
    const found = findSecrets({ planted }, places);
    const expected = [
      'events',
      'bus',
      'database connection',
      'database link_session',
      'database audit',
      'log gateway.log',
    ];
    expect(found).toEqual(expect.arrayContaining(expected.map((place) => `planted (raw) in ${place}`)));
    expect(found).toContain('planted (hex) in database eventstore');
    for (const secret of Object.values(secrets)) {
      for (const [form, text] of formsOf(secret)) {
        const place = Buffer.from(`before${text}after`);
        expect(findSecrets({ secret }, { place })).toContain(`secret (${form}) in place`);
      }
      const inside = Buffer.from(JSON.stringify({ a: secret })).toString('base64');
      expect(findSecrets({ secret }, { inside: Buffer.from(inside) })).not.toEqual([]);
    }
  });

  it('looked at every secret and everywhere', () => {
    expect(Object.keys(secrets).length).toBeGreaterThan(20);
    expect(Object.values(secrets).every((secret) => secret.length >= 16)).toBe(true);
    for (const name of ['events', 'bus', 'replies', 'log gateway.log', 'log connection.log', 'metrics gateway']) {
      expect(places[name]?.length).toBeGreaterThan(50);
    }
    for (const schema of Object.keys(stack.run().databases)) expect(places[`database ${schema}`]).toBeDefined();
    expect(places['bus']!.toString()).toContain('connection.link.finish');
  });

  it('finds no secret in any event, table, message, log, metric or refusal (I14)', () => {
    expect(findSecrets(secrets, places)).toEqual([]);
    const { bus: _, ...kept } = places;
    expect(Object.keys(passing)).toHaveLength(2);
    expect(findSecrets(passing, kept)).toEqual([]);
  });
});
