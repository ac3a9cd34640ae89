import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { source as axeSource } from 'axe-core';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { providersFrom } from '../apps/connection/src/providers/providers.js';
import { type RunningBank, startBank } from '../apps/sandbox-bank/src/bank.js';
import { describeInBrowser, launchBrowser } from './browser.js';

/** What the page's callbacks are told, by either provider. */
interface Told {
  error_code: string;
  code: string;
  institution: { name: string };
  enrollment: { id: string; institution: { name: string } };
}
type Call = [name: string, ...args: Told[]];

const folder = mkdtempSync(join(tmpdir(), 'bank-'));
const plaidKeys = { clientId: 'client', secret: 'secret' };
let bank: RunningBank;
let host: Server;
let hostUrl: string;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  bank = await startBank({
    port: 0,
    host: '127.0.0.1',
    dataFile: join(folder, 'ledger.jsonl'),
    plaid: plaidKeys,
    teller: { applicationId: 'app_1', signingSecret: 'secret', webhookUrl: null },
  });
  host = createServer(hostPage);
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  hostUrl = `http://localhost:${(host.address() as AddressInfo).port}`;
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => host.close(resolve));
  await bank.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
  page = await context.newPage();
  page.setDefaultTimeout(5000);
  complaints = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(hostUrl);
});

afterEach(async () => {
  await page.context().close();
  expect(complaints).toEqual([]);
});

/** A page under the strict policy of the hosted page: nothing inline, and the bank's origin only. */
const hostPage: Parameters<typeof createServer>[1] = (request, response) => {
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${bank.url}`,
    `frame-src ${bank.url}`,
    `connect-src 'self' ${bank.url}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
  const [type, body] =
    request.url === '/page.js'
      ? ['text/javascript', pageScript]
      : ['text/html', `<!doctype html><title>Host</title><link rel="icon" href="data:,">${pageBody}`];
  response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body);
};

const pageBody = '<button id="before">Connect</button><script src="/page.js"></script>';
const pageScript = `
  window.calls = [];
  const record = (name) => (...args) => window.calls.push([name, ...args]);
  window.openWith = (source, open) => new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = () => resolve(open());
    script.onerror = reject;
    document.head.append(script);
  });
  window.openPlaid = (source, token) => openWith(source, () => {
    window.handler = Plaid.create({ token, onSuccess: record('success'), onExit: record('exit'), onEvent: record('event') });
    handler.open();
  });
  window.openTeller = (source, options) => openWith(source, () => {
    TellerConnect.setup({ ...options, onSuccess: record('success'), onExit: record('exit'), onFailure: record('failure') }).open();
  });
`;

const plaid = () =>
  providersFrom({
    plaid: { baseUrl: bank.url, ...plaidKeys, scriptUrl: `${bank.url}/link/v2/stable/link-initialize.js` },
  }).plaid!;

async function openPlaid(accessToken?: string): Promise<FrameLocator> {
  const started = await plaid().start({
    userRef: 'user-1',
    language: 'en',
    clientName: 'The Lovelace household',
    webhookUrl: `${hostUrl}/hook`,
    ...(accessToken !== undefined && { accessToken }),
  });
  await page.getByRole('button', { name: 'Connect' }).focus();
  await page.evaluate(`openPlaid(${JSON.stringify(started.script_url)}, ${JSON.stringify(started.link_token)})`);
  return page.frameLocator('iframe');
}

async function openTeller(more: object = {}): Promise<FrameLocator> {
  const options = { applicationId: 'app_1', environment: 'sandbox', ...more };
  const source = `${bank.url}/connect/connect.js`;
  await page.evaluate(`openTeller(${JSON.stringify(source)}, ${JSON.stringify(options)})`);
  return page.frameLocator('iframe');
}

async function signIn(dialog: FrameLocator, username: string, password = 'pass_good'): Promise<void> {
  await dialog.getByRole('textbox', { name: 'Username', exact: true }).fill(username);
  await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill(password);
  await press(dialog, 'Sign in');
}

const press = (dialog: FrameLocator, name: string) => dialog.getByRole('button', { name, exact: true }).click();

const calls = () => page.evaluate<Call[]>('window.calls');

/** The one callback that ends the dialog. Progress events are looked at by their own tests. */
async function outcome(): Promise<Call> {
  await page.locator('iframe').waitFor({ state: 'detached' });
  const ends = (await calls()).filter(([name]) => name !== 'event');
  expect(ends).toHaveLength(1);
  return ends[0]!;
}

const providers = [
  { name: 'Plaid', open: () => openPlaid() },
  { name: 'Teller', open: () => openTeller() },
];

/** The code in whichever way the provider's script tells a refusal. */
const refusal = ([name, first]: Call): string => (name === 'exit' ? first?.error_code : first?.code) ?? 'none';

/**
 * Presses a key that may close the dialog: the frame that would acknowledge it is then gone, and the browser never
 * says that the key was pressed. What it did is for the test to wait for.
 */
const pressToClose = (key: string): void => void page.keyboard.press(key).catch(() => undefined);

describeInBrowser.each(providers)('the dialog of $name', ({ name, open }) => {
  it('connects user_good at each of the banks', async () => {
    for (const institution of ['First Platypus Bank', 'Tartan Bank', 'Houndstooth Bank']) {
      await page.goto(hostUrl);
      const dialog = await open();
      await press(dialog, institution);
      await signIn(dialog, 'user_good');
      await press(dialog, 'Allow');
      const [end, first, second] = await outcome();
      expect(end).toBe('success');
      const found = name === 'Plaid' ? second?.institution.name : first?.enrollment.institution.name;
      expect(found).toBe(institution);
    }
  });

  it('asks user_mfa for the code, and again after a wrong one', async () => {
    const dialog = await open();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_mfa');
    const code = dialog.getByRole('textbox', { name: 'Code', exact: true });
    await code.fill('9999');
    await press(dialog, 'Sign in');
    await dialog.getByRole('alert').getByText('INVALID_MFA').waitFor();
    await code.fill('1234');
    await press(dialog, 'Sign in');
    await press(dialog, 'Allow');
    expect((await outcome())[0]).toBe('success');
  });

  it('tells the page that user_locked was refused', async () => {
    const dialog = await open();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_locked');
    await dialog.getByRole('alert').getByText('ITEM_LOCKED').waitFor();
    expect(refusal(await outcome())).toBe('ITEM_LOCKED');
  });

  it('tells the page that user_down found the bank down, and lets the second try in', async () => {
    const first = await open();
    await press(first, 'Houndstooth Bank');
    await signIn(first, 'user_down');
    expect(refusal(await outcome())).toBe('INSTITUTION_DOWN');

    await page.evaluate('window.calls = []');
    const second = await open();
    await press(second, 'Houndstooth Bank');
    await signIn(second, 'user_down');
    await press(second, 'Allow');
    expect((await outcome())[0]).toBe('success');
  });

  it('tells of user_down also when the person signs in again before it closes', async () => {
    const dialog = await open();
    await press(dialog, 'Houndstooth Bank');
    await signIn(dialog, 'user_down');
    await dialog.getByRole('alert').getByText('INSTITUTION_DOWN').waitFor();
    const again = dialog.getByRole('button', { name: 'Sign in', exact: true });
    await again.evaluate((button) => (button as unknown as { click(): void }).click());
    expect(refusal(await outcome())).toBe('INSTITUTION_DOWN');
  });

  it('connects what was allowed, also when the person cancels before the bank has answered', async () => {
    const dialog = await open();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_good');
    let answer = (): void => undefined;
    const cancelled = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/sandbox/allow', (route) => cancelled.then(() => route.continue()));
    await press(dialog, 'Allow');
    await press(dialog, 'Cancel');
    answer();
    expect((await outcome())[0]).toBe('success');
  });

  it('leaves after a wrong password, so that the page can say so and offer another try', async () => {
    const dialog = await open();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_good', 'wrong');
    await dialog.getByRole('alert').getByText('INVALID_CREDENTIALS').waitFor();
    expect(refusal(await outcome())).toBe('INVALID_CREDENTIALS');
  });

  it('stays open after a wrong code, and forgets it once the right one was given', async () => {
    const dialog = await open();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_mfa');
    const code = dialog.getByRole('textbox', { name: 'Code', exact: true });
    for (const given of ['0000', '1234']) {
      await code.fill(given);
      await press(dialog, 'Sign in');
      if (given === '0000') await dialog.getByRole('alert').getByText('INVALID_MFA').waitFor();
    }
    await dialog.getByRole('button', { name: 'Allow' }).waitFor();
    await press(dialog, 'Cancel');
    const [end, error] = await outcome();
    expect([end, error ?? null]).toEqual(['exit', null]);
  });

  it.each(['Cancel', 'Escape'])('is left without an error by %s', async (way) => {
    const dialog = await open();
    await dialog.getByRole('button', { name: 'Tartan Bank' }).waitFor();
    if (way === 'Cancel') await press(dialog, 'Cancel');
    else pressToClose('Escape');
    const [end, error] = await outcome();
    expect([end, error ?? null]).toEqual(['exit', null]);
  });
});

describeInBrowser('the dialog', () => {
  it('works with the keyboard alone, and gives the focus back', async () => {
    const dialog = await openPlaid();
    await dialog.getByRole('heading', { name: 'Choose your bank' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await dialog.getByRole('textbox', { name: 'Username' }).waitFor();
    await page.keyboard.type('user_good');
    await page.keyboard.press('Tab');
    await page.keyboard.type('pass_good');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Allow' }).waitFor();
    await page.keyboard.press('Tab');
    pressToClose('Enter');
    expect((await outcome())[0]).toBe('success');
    expect(await page.evaluate('document.activeElement.id')).toBe('before');
    expect(await page.evaluate('document.getElementById("before").inert')).toBe(false);
  });

  it('has no accessibility fault that axe finds, at any step', async () => {
    const dialog = await openPlaid();
    const faults = async (): Promise<string[]> => {
      const frame = page.frames()[1]!;
      await frame.evaluate(axeSource);
      return frame.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))');
    };
    await dialog.getByRole('button', { name: 'Tartan Bank' }).waitFor();
    const found = [await faults()];
    await press(dialog, 'Tartan Bank');
    await dialog.getByText('Who can I sign in as?').click();
    found.push(await faults());
    await signIn(dialog, 'user_mfa');
    const code = dialog.getByRole('textbox', { name: 'Code', exact: true });
    await code.fill('0000');
    await press(dialog, 'Sign in');
    await dialog.getByRole('alert').getByText('INVALID_MFA').waitFor();
    found.push(await faults());
    await code.fill('1234');
    await press(dialog, 'Sign in');
    await dialog.getByRole('button', { name: 'Allow' }).waitFor();
    found.push(await faults());
    expect(found).toEqual([[], [], [], []]);
  });

  it('says that it is a sandbox and who asks', async () => {
    const dialog = await openPlaid();
    await dialog.getByText('No real bank, no real money.').waitFor();
    await dialog.getByText('The Lovelace household').waitFor();
  });

  it('reports its steps to the page, refused attempts among them', async () => {
    const dialog = await openPlaid();
    await press(dialog, 'Tartan Bank');
    await signIn(dialog, 'user_good', 'wrong');
    await dialog.getByRole('alert').getByText('INVALID_CREDENTIALS').waitFor();
    const events = (await calls()).map(([, name]) => name);
    expect(events).toEqual(['OPEN', 'SELECT_INSTITUTION', 'SUBMIT_CREDENTIALS', 'ERROR']);
    expect((await calls()).at(-1)![2]).toMatchObject({ error_code: 'INVALID_CREDENTIALS' });
  });

  it('can be closed by the page', async () => {
    const dialog = await openPlaid();
    await dialog.getByRole('button', { name: 'Tartan Bank' }).waitFor();
    await page.evaluate('handler.exit()');
    expect((await outcome()).slice(0, 2)).toEqual(['exit', null]);
  });

  it('refuses a link token and an application that nobody knows', async () => {
    await page.evaluate(`openPlaid('${bank.url}/link/v2/stable/link-initialize.js', 'link-sandbox-none')`);
    expect(refusal(await outcome())).toBe('INVALID_LINK_TOKEN');
    await page.goto(hostUrl);
    await openTeller({ applicationId: 'app_2' });
    expect(refusal(await outcome())).toBe('INVALID_LINK_TOKEN');
  });

  it('takes no message from the page for one from the bank', async () => {
    const dialog = await openPlaid();
    await dialog.getByRole('button', { name: 'Tartan Bank' }).waitFor();
    const channel = new URL((await page.locator('iframe').getAttribute('src'))!).searchParams.get('channel');
    const forged = JSON.stringify({ channel, type: 'success', result: { public_token: 'forged' } });
    await page.evaluate(`postMessage(${forged}, location.origin)`);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve))');
    expect((await calls()).filter(([name]) => name === 'success')).toEqual([]);
  });
});

describeInBrowser('update mode', () => {
  it('of Plaid asks for no bank and keeps the item', async () => {
    const first = await openPlaid();
    await press(first, 'Houndstooth Bank');
    await signIn(first, 'user_good');
    await press(first, 'Allow');
    const [, publicToken] = await outcome();
    const item = await plaid().exchange(publicToken as unknown as string);
    await plaid().resetLogin(item.accessToken, `${hostUrl}/hook`);

    await page.goto(hostUrl);
    const dialog = await openPlaid(item.accessToken);
    await dialog.getByRole('heading', { name: 'Houndstooth Bank' }).waitFor();
    await signIn(dialog, 'user_other');
    await press(dialog, 'Allow');
    expect((await outcome())[0]).toBe('success');
    const other = await plaid().check(item.accessToken);
    expect(other.healthy).toBe(true);
    expect(other.accountsFingerprint).not.toBe(item.accountsFingerprint);
  });

  it('of Teller asks for no bank and keeps the enrollment and its token', async () => {
    const connect = async (more: object = {}) => {
      await page.goto(hostUrl);
      const dialog = await openTeller(more);
      if (!('enrollmentId' in more)) await press(dialog, 'Tartan Bank');
      await signIn(dialog, 'user_good');
      await press(dialog, 'Allow');
      return (await outcome())[1]!;
    };
    const first = await connect();
    expect(await connect({ enrollmentId: first.enrollment.id })).toEqual(first);
  });
});
