import { afterAll, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { apiWith, until } from '#testing/api.js';
import { version } from '#service/version.js';
import { sharedStack } from '#testing/stack.js';
import { describeInBrowser, launchBrowser, newPerson, signInAtBank } from './browser.js';

const run = promisify(execFile);
const stack = sharedStack();
/** How often a page asks for what no event tells of. */
const askedEveryMs = 10_000;
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const password = 'a long walk by the sea';
const ada = 'ada@example.com';

// Other suites and browsers may keep the machine busy meanwhile.
jest.setTimeout(120_000);

let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launchBrowser();
  await newOperator();
});
afterAll(() => browser.close());

/** Somebody else at another machine. */
async function newOperator(): Promise<void> {
  await context?.close();
  context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stack.url });
  await context.addInitScript({ content: axe });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  faults = [];
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
}

const button = (name: string) => page.getByRole('button', { name, exact: true });
const box = (name: string) => page.getByRole('textbox', { name, exact: true });
const heading = (name: string) => page.getByRole('heading', { name, exact: true }).waitFor();
const open = (path: string) => page.goto(`${stack.url}/admin${path}`);

async function signIn(email: string, secret = password): Promise<void> {
  await open('/sign-in');
  await box('Email').fill(email);
  await page.getByLabel('Password').fill(secret);
  await button('Sign in').click();
}

const everything = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
const contrast = { runOnly: { type: 'rule', values: ['color-contrast'] } };

async function violations(options: object): Promise<string[]> {
  const script = `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations.map(
    ({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')))`;
  return page.evaluate<string[]>(script);
}

/** In light and in dark, from a phone to a desk: nothing that axe finds, nothing wider than the screen. */
async function expectUsable(): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  expect([page.url(), await violations(everything)]).toEqual([page.url(), []]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect([page.url(), await violations(contrast)]).toEqual([page.url(), []]);
  for (const width of [360, 800, 1160, 1280]) {
    await page.setViewportSize({ width, height: 780 });
    const hidden = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    const left = await until(hidden, (pixels) => pixels <= 0, 15_000).catch(hidden);
    expect([page.url(), width, left <= 0]).toEqual([page.url(), width, true]);
  }
  expect(faults).toEqual([]);
}

describeInBrowser('the first start', () => {
  it('makes an administrator by the set-up code, once', async () => {
    const { setup_code } = stack.run();
    await open('');
    await heading('Create the first administrator');
    await expectUsable();
    await box('Set-up code').fill('not the code');
    await box('Email').fill(ada);
    await page.getByLabel('Password').fill(password);
    await button('Create administrator').click();
    await page.getByText('The set-up code is not right.').waitFor();
    await box('Set-up code').fill(setup_code!.toLowerCase());
    await page.getByLabel('Password').fill(password);
    await button('Create administrator').click();
    await button('Sign out').waitFor();
    expect((await open('/setup'))?.status()).toBe(410);
    await heading('Latchkey is set up already');
  });
});

describeInBrowser('an operator', () => {
  it('signs in after a wrong password, and out', async () => {
    await newOperator();
    await open('/settings/operators');
    await heading('Sign in');
    await expectUsable();
    await box('Email').fill(ada);
    await page.getByLabel('Password').fill('not the password');
    await button('Sign in').click();
    await page.getByRole('alert').getByText('The e-mail address or the password is not right.').waitFor();
    await page.getByLabel('Password').fill(password);
    await button('Sign in').click();
    await heading('Operators');
    // The answer keeps the browser waiting until the page has said so.
    const said = new Promise<void>((resolve) => void page.exposeFunction('saysIt', resolve));
    await page.evaluate(`new MutationObserver(() => document.querySelector('[role=progressbar]') && saysIt())
      .observe(document.body, { childList: true })`);
    await page.route('**/admin/timeline', async (route) => {
      await said;
      await route.continue();
    });
    await page.getByRole('link', { name: 'Timeline', exact: true }).click();
    await heading('Timeline');
    await button('Sign out').click();
    await page.getByText('You are signed out.').waitFor();
    await open('/settings/api-keys');
    await heading('Sign in');
  });
});

describeInBrowser('Settings → API keys', () => {
  let key: string;

  it('creates a key with nothing but the keyboard, shows it once, and copies it', async () => {
    const args = ['bin/latchkey.js', 'keys', 'create', '--platform', '--name', 'of many scopes', '--json'];
    await run(process.execPath, args, { env: { ...process.env, DATA_DIR: stack.dataDir } });
    await signIn(ada);
    await open('/settings/api-keys');
    await button('Create key').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('Monthly report script');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Full');
    await expectUsable();
    for (const _ of ['expiry', 'create']) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await box('API key').waitFor();
    key = await box('API key').inputValue();
    expect(key).toMatch(/^bb_[0-9A-Za-z]{43}$/);
    expect(await box('API key').getAttribute('readonly')).not.toBeNull();
    await button('Copy').click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);
    await expectUsable();
    const own = await apiWith(stack.url, key).get('/api/v1/keys/me');
    expect(own.body).toMatchObject({ name: 'Monthly report script', scope: 'full_access', created_by: ada });
  });

  it('has forgotten the key after a reload', async () => {
    expect(page.url()).toBe(`${stack.url}/admin/settings/api-keys`);
    await page.reload();
    await page.getByRole('row', { name: /Monthly report script/ }).waitFor();
    const places =
      'document.documentElement.outerHTML + location.href + JSON.stringify([localStorage, sessionStorage])';
    expect(await page.evaluate(places)).not.toContain(key);
    await expectUsable();
  });

  it('rotates a key with a grace, and revokes it after saying what that means', async () => {
    const args = ['bin/latchkey.js', 'keys', 'create', '--name', 'to be rotated', '--scope', 'full_access', '--json'];
    const made = await run(process.execPath, args, { env: { ...process.env, DATA_DIR: stack.dataDir } });
    const { plaintext_key: key } = JSON.parse(made.stdout) as { plaintext_key: string };
    await signIn(ada);
    await open('/settings/api-keys');
    const row = page.getByRole('row', { name: new RegExp(key.slice(0, 11)) });
    await row.getByRole('button', { name: 'Rotate' }).click();
    await button('Rotate key').click();
    const successor = await box('API key').inputValue();
    await button('Done').click();
    expect((await apiWith(stack.url, key).get('/api/v1/keys/me')).status).toBe(200);
    await row.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('dialog').getByText('is refused from that moment on').waitFor();
    await expectUsable();
    await button('Keep it').click();
    await row.getByRole('button', { name: 'Revoke', exact: true }).click();
    await button('Revoke key').click();
    await page.getByText('The key was revoked.').waitFor();
    expect((await apiWith(stack.url, key).get('/api/v1/keys/me')).body.error.code).toBe('REVOKED_API_KEY');
    const timeline = await apiWith(stack.url, successor).get('/api/v1/audit?type=KeyRevoked&limit=1');
    expect(timeline.body.entries[0].actor).toMatchObject({ type: 'operator', name: ada });
  });
});

describeInBrowser('Sessions and connections', () => {
  const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });

  it('sends a link to a new user and sees, without a reload, how the person gets on', async () => {
    await open('/sessions');
    await heading('Sessions');
    await expectUsable();
    await button('New link').click();
    const user = page.getByRole('combobox', { name: 'User', exact: true }).last();
    if (await page.locator('#user_id').count()) await user.selectOption('');
    await box('Name of the new user').fill('Grace Hopper');
    await box('Label').fill('Seen on the dashboard');
    await expectUsable();
    await button('Create link').click();
    const url = await box('Link').inputValue();
    expect(url).toMatch(new RegExp(`^${stack.url}/link/[\\w-]{43}$`));
    await page.getByRole('img', { name: 'The same link as a QR code' }).waitFor();
    await expectUsable();
    await page.reload();
    await heading('Seen on the dashboard');
    await page.getByText('Not opened yet').waitFor();
    expect(await page.content()).not.toContain(url.slice(-43));
    await open('/sessions');
    const person = await newPerson(browser);
    person.page.setDefaultTimeout(60_000);
    await person.page.goto(url);
    await row('Seen on the dashboard').getByText('In progress').waitFor();
    await person.page.getByRole('button', { name: 'Connect with Plaid' }).click();
    await signInAtBank(person.page, { bank: 'Tartan Bank' });
    await row('Seen on the dashboard').getByText('Completed').waitFor();
    await person.page.context().close();
    await expectUsable();
  });

  it('notes metadata on the connection, also without a script', async () => {
    await page.getByRole('link', { name: 'Connections', exact: true }).click();
    await row('Grace Hopper').getByRole('link', { name: 'Tartan Bank' }).click();
    await page.getByRole('link', { name: 'Change metadata' }).click();
    await heading('Metadata');
    const entry = (number: number) => page.getByRole('group', { name: `Entry ${number}`, exact: true });
    await page.keyboard.type('customer');
    await page.keyboard.press('Tab');
    await page.keyboard.type('C-4711');
    await button('Add an entry').click();
    await entry(2).getByLabel('Value').fill('EU');
    await expectUsable();
    await button('Save').click();
    await page.getByRole('alert').getByText('Give this entry a name').waitFor();
    await expectUsable();
    await page.keyboard.type('region');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('The metadata was saved.').waitFor();
    await page.getByRole('region', { name: 'Metadata' }).getByText('C-4711').waitFor();
    await expectUsable();

    const context = { javaScriptEnabled: false, storageState: await page.context().storageState() };
    const plain = await (await browser.newContext(context)).newPage();
    await plain.goto(`${page.url().split('?')[0]}/metadata`);
    const customer = plain.getByRole('group').filter({ has: plain.locator('[value="customer"]') });
    await customer.getByRole('checkbox', { name: 'Remove' }).check();
    await plain.getByRole('button', { name: 'Add an entry' }).click();
    await plain.getByRole('group', { name: 'Entry 4' }).waitFor();
    await plain.getByRole('button', { name: 'Save' }).click();
    await plain.getByText('The metadata was saved.').waitFor();
    const noted = plain.getByRole('region', { name: 'Metadata' });
    expect((await noted.innerText()).split('\n')).toEqual(['region', 'EU']);
    await plain.context().close();
  });

  it('tells of the connection, makes a link to reconnect it, and revokes it', async () => {
    await open('/connections');
    await row('Grace Hopper').getByRole('link', { name: 'Tartan Bank' }).click();
    await heading('Tartan Bank');
    await page.getByText('Tartan Bank was connected through Plaid.').click();
    await expectUsable();
    const connection = page.url();
    await button('Reconnect').click();
    await box('Link').waitFor();
    await button('Done').click();
    await button('Cancel link').click();
    await page.getByRole('dialog').getByText('Whoever opens it is told that it is no longer valid').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel link' }).click();
    await page.getByRole('status').getByText('The link was cancelled.').waitFor();
    await expectUsable();
    await page.goto(connection);
    await button('Revoke').click();
    await page.getByRole('dialog').getByText('removed at the provider').waitFor();
    await button('Revoke connection').click();
    await page.getByRole('status').getByText('The connection was ended').waitFor();
    await open('/timeline?type=ConnectionDisconnected');
    await page.locator('summary').first().getByText(ada).waitFor();
    await page.locator('summary').first().click();
    await expectUsable();
  });

  it('shows one project and environment at a time', async () => {
    await open('/settings/projects');
    await expectUsable();
    await button('Create project').click();
    await box('Name').fill('Second home');
    await button('Create').click();
    await page.getByText('The project was created.').waitFor();
    await row('Second home').getByRole('button', { name: 'Change' }).click();
    const dialog = page.getByRole('dialog', { name: 'Change Second home' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Home by the sea');
    await dialog.getByRole('textbox', { name: 'May redirect to' }).fill('https://app.example\nnowhere');
    await button('Save').click();
    await page.getByRole('alert').getByText('Address 2 must be https://host[:port]').waitFor();
    await expectUsable();
    await dialog.getByRole('textbox', { name: 'May redirect to' }).fill('https://app.example');
    await button('Save').click();
    await page.getByRole('status').getByText('The project was changed.').waitFor();
    await row('Home by the sea').locator('.line', { hasText: 'https://app.example' }).waitFor();
    await open('/sessions');
    await heading('No link has been made yet');
    await expectUsable();
  });

  it('lets a project ask by its own name, on the page and in the bank’s dialog', async () => {
    await button('New link').click();
    await box('Name of the new user').fill('Grace Hopper');
    await button('Create link').click();
    const person = await newPerson(browser);
    person.page.setDefaultTimeout(60_000);
    await person.page.goto(await box('Link').inputValue());
    await person.page.getByText('Home by the sea would like to connect to your bank.').waitFor();
    await person.page.getByRole('button', { name: 'Connect with Plaid' }).click();
    await person.page.frameLocator('iframe').getByText('Home by the sea').waitFor();
    await person.page.context().close();
    await open('/sessions');
    await page.getByLabel('Project and environment').selectOption('default · live');
    await button('Show').click();
    await row('Seen on the dashboard').waitFor();
  });
});

describeInBrowser('Settings', () => {
  beforeEach(async () => {
    await newOperator();
    await signIn(ada);
    await button('Sign out').waitFor();
  });

  it('compares the read models with their events, and builds them again', async () => {
    await open('/settings/system');
    const parts = {
      gateway: version,
      key: version,
      NATS: '\\d+\\.\\d+',
      Postgres: '\\d+\\.\\d+',
      'Event store': '23\\.10',
    };
    for (const [name, told] of Object.entries(parts)) {
      await page.getByRole('row', { name: new RegExp(`^${name} Up .*${told}`) }).waitFor();
    }
    await button('Compare').click();
    await page.getByText('every row says what its events say').waitFor({ timeout: 30_000 });
    await expectUsable();
    await button('Build again').click();
    await button('Build again now').click();
    await page.getByText('Built again').waitFor();
    await page.getByText('every row says what its events say').waitFor({ timeout: 30_000 });
  });

  it.each([
    ['/settings/system', '**/admin/settings/system'],
    ['/sessions', '**/admin/changes?*'],
  ])('%s says since when it is not up to date', async (path, asked) => {
    const lag = page.getByRole('status').filter({ hasText: /^Not up to date since/ });
    await page.clock.install();
    await open(path);
    // A question that waits for news already is let go by a reload.
    await page.route(asked, (route) =>
      route.request().headers()['x-latchkey-background'] ? route.fulfill({ status: 503 }) : route.continue(),
    );
    await page.reload();
    await page.clock.fastForward(askedEveryMs);
    await lag.waitFor();
    await expectUsable();
    await page.unroute(asked);
    await page.clock.fastForward(askedEveryMs);
    await lag.waitFor({ state: 'detached' });
  });

  it('takes no form that was shown for another environment, and shows the one that was chosen in another tab', async () => {
    const other = await context.newPage();
    const choose = async (place: string) => {
      await other.goto(`${stack.url}/admin/settings/projects`);
      await other.getByLabel('Project and environment').selectOption(place);
      await other.getByRole('button', { name: 'Show', exact: true }).click();
      await other.locator('option[selected]', { hasText: place }).waitFor({ state: 'attached' });
    };
    await open('/settings/api-keys');
    await button('Create key').click();
    await box('Name').fill('Meant for live');
    await choose('default · test');
    await button('Create').click();
    await page.getByText('This form is out of date').waitFor();
    await open('/settings/api-keys');
    await button('Create key').click();
    await expectUsable();
    await box('Name').fill('For tests');
    await button('Create').click();
    expect(await box('API key').inputValue()).toMatch(/^csk_test_/);
    await expectUsable();
    await open('/sessions');
    await choose('default · live');
    await page.locator('option[selected]', { hasText: 'default · live' }).waitFor({ state: 'attached' });
    await page
      .locator('#sessions')
      .getByRole('row', { name: /Seen on the dashboard/ })
      .waitFor();
    await page
      .getByRole('row', { name: /Seen on the dashboard/ })
      .getByRole('link')
      .click();
    await heading('Seen on the dashboard');
    await choose('default · test');
    await heading('There is nothing here');
    await choose('default · live');
    expect(faults).toEqual([]);
  });

  it('leads whoever is signed out elsewhere to the sign-in', async () => {
    await page.clock.install();
    await open('/settings/system');
    await context.clearCookies();
    await page.clock.fastForward(askedEveryMs);
    await heading('Sign in');
  });

  it('invites a viewer, who chooses a password, sees everything and changes nothing', async () => {
    await open('/settings/operators');
    await expectUsable();
    await button('Invite operator').click();
    await box('Email').fill(`Bob.${randomUUID()}@example.com`);
    await button('Invite').click();
    const url = await box('Link').inputValue();
    await expectUsable();
    await newOperator();
    // Where the address leads, as a browser that has opened it asks for it.
    const cookie = `lk_welcome=${url.split('/').at(-1)}`;
    const invitation = () => fetch(`${stack.url}/admin/welcome`, { headers: { cookie } });
    expect((await invitation()).status).toBe(200);
    await page.goto(url);
    await heading('Choose your password');
    expect(page.url()).toBe(`${stack.url}/admin/welcome`);
    await expectUsable();
    await page.getByLabel('Password').fill(password);
    await button('Set password').click();
    await button('Sign out').waitFor();
    for (const path of [
      '/sessions',
      '/connections',
      '/settings/api-keys',
      '/settings/operators',
      '/settings/providers',
    ]) {
      await open(path);
      await expectUsable();
      expect(await page.getByRole('button', { name: /New|Create|Revoke|Rotate|Invite|Remove/ }).count()).toBe(0);
    }
    const again = await invitation();
    expect([again.status, await again.text()]).toEqual([410, expect.stringContaining('This link no longer works.')]);
  });
});

// Apart from the others: a second try comes at the end of its describe, and must not find the password changed.
describeInBrowser('The command line', () => {
  it('helps who has lost the password, by the command line of the machine', async () => {
    const args = ['bin/latchkey.js', 'operators', 'reset', '--email', ada, '--json'];
    const reset = () => run(process.execPath, args, { env: { ...process.env, DATA_DIR: stack.dataDir } });
    const { stdout } = await until(reset, () => true, 60_000);
    const { url } = JSON.parse(stdout) as { url: string };
    await newOperator();
    await page.goto(url);
    await page.getByLabel('Password').fill('another long walk');
    await button('Set password').click();
    await button('Sign out').waitFor();
    await open('/account');
    await button('Sign out everywhere').click();
    await page.getByText('You are signed out on every device.').waitFor();
    await signIn(ada);
    await page.getByRole('alert').waitFor();
    await signIn(ada, 'another long walk');
    await button('Sign out').waitFor();
  });
});
