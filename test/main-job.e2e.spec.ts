import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { type Api, apiWith, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { describeInBrowser, launchBrowser, newPerson, signInAtBank } from './browser.js';

const run = promisify(execFile);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const stack = sharedStack();
let browser: Browser;
let app: Server;
let appUrl: string;
let api: Api;
let userId: string;
const startedAt = new Date().toISOString();

interface Item {
  id: string;
  state: string;
}

/** The six steps of the main job, by the tools a new user has: the command line, HTTP and a browser. */
beforeAll(async () => {
  browser = await launchBrowser();
  app = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>Back in the app</h1>'));
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}/done?theirs=1`;
});

afterAll(async () => {
  await browser.close();
  app.close();
});

describeInBrowser('a new user', () => {
  it('creates the first key with the command line', async () => {
    const args = ['bin/latchkey.js', 'keys', 'create', '--name', 'agent', '--scope', 'full_access', '--json'];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, DATA_DIR: stack.dataDir } });
    const { plaintext_key } = JSON.parse(stdout) as { plaintext_key: string };
    expect(plaintext_key).toMatch(/^bb_[0-9A-Za-z]{43}$/);
    api = apiWith(stack.url, plaintext_key);
    const user = await api.post('/api/v1/users', { name: 'Ada', email: 'ada@example.com' });
    expect(user.status).toBe(201);
    userId = user.body.id as string;
  });

  it.each([
    { provider: 'plaid', button: 'Connect with Plaid' },
    { provider: 'teller', button: 'Connect with Teller' },
  ])('connects a bank through $provider and comes back to the app', async ({ button, provider }) => {
    const minted = await api.post('/api/v1/connections/link', {
      user_id: userId,
      single_use: true,
      redirect_url: appUrl,
      label: 'Household budget',
    });
    expect(minted.status).toBe(201);
    expect(minted.body.url).toBe(`${stack.url}/link/${minted.body.token}`);
    const session = () => api.get(`/api/v1/connections/link/${minted.body.id}`);
    expect((await session()).body.status).toBe('pending');

    const { page, complaints } = await newPerson(browser);
    await page.goto(minted.body.url);
    await expect(page.getByRole('heading', { name: 'Connect your bank' }).textContent()).resolves.toBeTruthy();
    expect(page.url()).not.toContain(minted.body.token);
    await page.getByText('Household budget').waitFor();
    await until(session, (s) => s.body.status === 'active');
    await page.getByRole('button', { name: button }).click();
    await signInAtBank(page);
    await page.getByRole('heading', { name: 'Back in the app' }).waitFor();

    const done = await until(session, (s) => s.body.status === 'completed');
    const [connectionId] = done.body.result_connection_ids as string[];
    expect(done.body.result_connection_ids).toEqual([expect.stringMatching(UUID)]);
    const back = new URL(page.url());
    expect(back.searchParams.get('theirs')).toBe('1');
    expect(back.searchParams.get('link_session_id')).toBe(minted.body.id);
    expect(back.searchParams.get('status')).toBe('completed');
    const connection = await api.get(`/api/v1/connections/${connectionId}`);
    expect(connection.body).toMatchObject({ status: 'active', provider, user_id: userId, user_name: 'Ada' });
    expect(complaints).toEqual([]);
  });

  it('connects two banks through one link for many', async () => {
    const minted = await api.post('/api/v1/connections/link', { user_id: userId });
    const { page } = await newPerson(browser);
    await page.goto(minted.body.url);
    await page.getByRole('button', { name: 'Connect with Plaid' }).click();
    await signInAtBank(page);
    await page.getByRole('button', { name: 'Connect another bank' }).click();
    await page.getByRole('button', { name: 'Connect with Teller' }).click();
    await signInAtBank(page, { bank: 'Tartan Bank' });
    await page.getByRole('button', { name: "I'm done" }).click();
    await page.getByRole('heading', { name: 'All set' }).waitFor();
    const { body } = await api.get(`/api/v1/connections/link/${minted.body.id}`);
    expect(body.status).toBe('completed');
    expect(body.result_connection_ids).toHaveLength(2);
  });

  it.each(['plaid', 'teller'])('repairs a %s connection when the bank asks for a new sign-in', async (provider) => {
    const { body: list } = await api.get(`/api/v1/connections?user_id=${userId}`);
    const { id } = (list.connections as { id: string; provider: string }[]).find((one) => one.provider === provider)!;
    const connection = () => api.get(`/api/v1/connections/${id}`);
    expect((await api.post(`/api/v1/sandbox/connections/${id}/require-login`)).status).toBe(202);
    await until(connection, (c) => c.body.status === 'pending_reauth');

    const relink = await api.post(`/api/v1/connections/${id}/relink`);
    expect(relink.status).toBe(201);
    expect(relink.body).toMatchObject({ action: 'relink', connection_id: id, single_use: true, provider });
    const { page } = await newPerson(browser);
    await page.goto(relink.body.url);
    await page.getByRole('heading', { name: 'Reconnect your bank' }).waitFor();
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await signInAtBank(page);
    await page.getByRole('heading', { name: 'All set' }).waitFor();
    await until(connection, (c) => c.body.status === 'active');

    const { body: session } = await api.get(`/api/v1/connections/link/${relink.body.id}`);
    expect(session).toMatchObject({ status: 'completed', result_connection_ids: [id] });
    const timeline = await api.get(`/api/v1/connections/${id}/timeline`);
    const types = (timeline.body.entries as { type: string }[]).map((entry) => entry.type);
    expect(types[0]).toBe('ConnectionLinked');
    expect(types).toEqual(
      expect.arrayContaining(['WebhookReceived', 'ConnectionReauthRequired', 'ConnectionRelinked']),
    );
  });

  it('is told when somebody else signs in, and nothing changes', async () => {
    const { body: list } = await api.get(`/api/v1/connections?user_id=${userId}`);
    const { id } = (list.connections as { id: string; provider: string }[]).find((one) => one.provider === 'plaid')!;
    const relink = await api.post(`/api/v1/connections/${id}/relink`);
    const { page } = await newPerson(browser);
    await page.goto(relink.body.url);
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await signInAtBank(page, { username: 'user_other' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await signInAtBank(page);
    await page.getByRole('heading', { name: 'All set' }).waitFor();
    const timeline = await api.get(`/api/v1/connections/link/${relink.body.id}/timeline`);
    expect(JSON.stringify(timeline.body)).toContain('different_account');
  });

  it('reads the whole story in the audit timeline', async () => {
    const { body } = await api.get(`/api/v1/audit?limit=200&order=asc&from=${startedAt}`);
    const of = async (path: string, name: string) =>
      ((await api.get(`${path}?user_id=${userId}`)).body[name] as { id: string }[]).map(({ id }) => id);
    const ours = [
      userId,
      ...(await of('/api/v1/connections', 'connections')),
      ...(await of('/api/v1/connections/link', 'sessions')),
    ];
    const told = body.entries as {
      subject: { id: string };
      type: string;
      actor: { type: string; name: string };
      at: string;
      summary: string;
    }[];
    // Other suites are at work in the same project.
    const entries = told.filter(({ type, subject }) => type === 'KeyCreated' || ours.includes(subject.id));
    const order = [
      'KeyCreated',
      'UserCreated',
      'SessionMinted',
      'SessionActivated',
      'AttemptStarted',
      'AttemptClaimed',
    ];
    order.push(
      'ConnectionLinked',
      'AttemptSucceeded',
      'SessionCompleted',
      'ConnectionReauthRequired',
      'ConnectionRelinked',
    );
    const firsts = order.map((type) => entries.findIndex((entry) => entry.type === type));
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    expect(firsts).not.toContain(-1);
    const actorOf = (type: string) => entries.find((entry) => entry.type === type)!.actor.type;
    expect(actorOf('SessionMinted')).toBe('api_key');
    expect(actorOf('SessionActivated')).toBe('person');
    expect(actorOf('WebhookReceived')).toBe('provider');
    expect(entries.every((entry) => entry.summary.length > 10)).toBe(true);
  });

  it('leaves the bank with exactly the logins that are connected', async () => {
    const { body: ledger } = await api.get('/api/v1/sandbox/ledger');
    const live = (ledger.items as Item[]).filter((item) => item.state === 'live');
    const { body: list } = await api.get(`/api/v1/connections?user_id=${userId}`);
    expect(live.length).toBeGreaterThanOrEqual((list.connections as unknown[]).length);
    const [{ id }] = list.connections as [{ id: string }];
    expect((await api.delete(`/api/v1/connections/${id}`)).status).toBe(204);
    expect((await api.get(`/api/v1/connections/${id}`)).body.status).toBe('disconnected');
    const after = (await api.get('/api/v1/sandbox/ledger')).body.items as Item[];
    const isGone = ({ id: item }: Item) => after.find((one) => one.id === item)?.state === 'removed';
    expect(live.filter(isGone)).toHaveLength(1);
  });
});
