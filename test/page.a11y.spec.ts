import type { Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { SessionView } from '#contracts/link-session.js';
import { DomainError } from '#contracts/errors.js';
import { launchBrowser } from './browser.js';
import { answersFor, PageBus, type Link, newLink, newVaultKey, serveScript, startPages } from './page-app.js';

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Both providers' browser interfaces; the test ends the dialog by hand: `dialog.succeed('token')`, `fail(code)`, `cancel()`. */
const providerScript = `
const show = (dialog) => {
  window.dialog = dialog;
  document.body.append(Object.assign(document.createElement('aside'), { textContent: 'The dialog of the provider' }));
};
window.Plaid = { create: ({ token, onSuccess, onExit }) => ({ open: () => show({
  opened: { token }, succeed: (value) => onSuccess(value, {}), cancel: () => onExit(null, {}),
  fail: (error_code) => onExit({ error_code, error_message: error_code + ' happened' }, {}),
}) }) };
window.TellerConnect = { setup: ({ onSuccess, onExit, onFailure, ...opened }) => ({ open: () => show({
  opened, succeed: (accessToken) => onSuccess({ accessToken }), cancel: () => onExit(),
  fail: (code) => onFailure({ type: 'enrollment', code, message: code + ' happened' }),
}) }) };`;

const bus = new PageBus();
let app: NestFastifyApplication;
let base: string;
let script: { url: string; server: Server };
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

beforeAll(async () => {
  script = await serveScript(providerScript);
  process.env['PLAID_SCRIPT_URL'] = process.env['TELLER_SCRIPT_URL'] = script.url;
  app = await startPages(bus);
  await app.listen(0, '127.0.0.1');
  base = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await app.close();
  script.server.close();
});

async function newVisit(colorScheme: 'light' | 'dark' = 'light', viewport = { width: 360, height: 740 }) {
  await context?.close();
  context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' });
  await context.addInitScript({ content: axe });
  page = await context.newPage();
  faults = [];
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
}

/** The services’ side of an attempt: what a start and a finish do to the session. */
function letAttempt(link: Link, end: () => Partial<SessionView>): void {
  bus.answers = {
    ...answersFor(link),
    'connection.vault-key': newVaultKey,
    'connection.link.start': ({ provider }) => ({
      attempt_id: 'attempt1',
      kind: provider,
      script_url: script.url,
      ...(provider === 'plaid' ? { link_token: 'link-token' } : { application_id: 'app_1', enrollment_id: 'enr_1' }),
    }),
    'connection.link.finish': () => Object.assign(link.page.session, end()),
  };
}

const open = (link: Link) => page.goto(`${base}/link/${link.token}`);
const button = (name: string) => page.getByRole('button', { name, exact: true });
const heading = (name: string) => page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();

/** The dialog of the fake provider, once the page has opened it. */
async function endDialog(how: 'succeed' | 'fail' | 'cancel', value = ''): Promise<void> {
  await page.getByText('The dialog of the provider').waitFor();
  await page.evaluate(`window.dialog.${how}(${JSON.stringify(value)})`);
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

async function violations(): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then((result) => result.violations)`;
  const found = await page.evaluate<Violation[]>(run);
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`,
  );
}

const overflow = () =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

const active = { status: 'active', started_at: new Date().toISOString() } as const;
const refusal = (code: string) => ({ ...active, last_refusal: { code, message: code } });
const relink = { action: 'relink', provider: 'plaid', single_use: true } as const;
const atBank = { institution_name: 'First Platypus Bank' };
const longLabel = 'Household budget 2026: '.repeat(4) + 'https://example.org/' + 'x'.repeat(60);

interface State {
  link: () => Link;
  path?: string;
  act?: () => Promise<unknown>;
}

const states: Record<string, State> = {
  'the picker': { link: () => newLink({ label: 'Monthly budget' }) },
  'one provider': { link: () => newLink({ provider: 'plaid', label: longLabel }) },
  'no provider': { link: () => newLink({}, { providers: [] }) },
  relink: { link: () => newLink(relink, atBank) },
  'the give-up dialog': { link: () => newLink(), act: () => button("I don't want to do this").click() },
  'after a refusal': { link: () => newLink(refusal('ITEM_LOCKED')), path: '?tried=plaid' },
  'after a different account': { link: () => newLink({ ...relink, ...refusal('different_account') }, atBank) },
  'after the first bank': { link: () => newLink({ ...active, result_connection_ids: ['c1'] }) },
  'choosing another bank': { link: () => newLink({ ...active, result_connection_ids: ['c1'] }), path: '?pick=1' },
  'opening a provider': { link: () => newLink(), path: '/with/plaid' },
  'a provider that does not open': {
    link: () => newLink(),
    path: '/with/teller',
    act: async () => button('Try again').waitFor(),
  },
  progress: { link: () => newLink({ status: 'consumed', single_use: true }) },
  'all set': { link: () => newLink({ status: 'completed', result_connection_ids: ['c1', 'c2'] }) },
  'all set after a relink': { link: () => newLink({ ...relink, status: 'completed' }, atBank) },
  'a link that has expired': { link: () => newLink({ status: 'expired' }) },
  'a link that was given up': { link: () => newLink({ status: 'failed', error_code: 'GIVEN_UP' }) },
};

async function show({ link, path = '', act }: State): Promise<void> {
  const shown = link();
  letAttempt(shown, () => ({}));
  if (path === '/with/teller') {
    bus.answers['connection.link.start'] = () => {
      throw new DomainError('UNAVAILABLE');
    };
  }
  await context.addCookies([{ name: `lk_${shown.sid}`, value: shown.token, url: `${base}/link/s/${shown.sid}` }]);
  await page.goto(`${base}/link/s/${shown.sid}${path}`);
  await act?.();
}

describe.each(['light', 'dark'] as const)('the hosted page in %s', (scheme) => {
  beforeAll(() => newVisit(scheme));

  it.each(Object.keys(states))('%s can be used by everybody', async (name) => {
    await show(states[name]!);
    expect(await violations()).toEqual([]);
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 740 });
      expect(await overflow()).toBe(0);
    }
    expect(faults).toEqual([]);
  });

  it.each(['en', 'es', 'pt', 'fr', 'de'])('an unknown link says so in %s', async (language) => {
    await page.setExtraHTTPHeaders({ 'accept-language': language });
    expect((await page.goto(`${base}/link/${newLink().token}`))?.status()).toBe(404);
    expect(await page.getAttribute('html', 'lang')).toBe(language);
    expect(await violations()).toEqual([]);
  });
});

describe('a person at the hosted page', () => {
  beforeEach(() => newVisit());

  it('connects a bank; the token leaves the address bar and the provider’s token is sealed', async () => {
    const link = newLink({ single_use: true });
    letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await open(link);
    expect(page.url()).toBe(`${base}/link/s/${link.sid}`);
    expect(await page.evaluate('Boolean(document.querySelector(`script[src^="http"]`))')).toBe(false);
    await button('Connect with Plaid').click();
    await endDialog('succeed', 'public-token-secret');
    await heading('All set');
    expect(bus.asked.map(({ subject }) => subject)).toContain('link-session.activate');
    expect(JSON.stringify(bus.asked)).not.toContain('public-token-secret');
    expect(faults).toEqual([]);
  });

  it('reads why the bank refused, tries again, and uses nothing but the keyboard', async () => {
    const link = newLink();
    letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await open(link);
    await button('Connect with Teller').focus();
    await page.keyboard.press('Enter');
    await endDialog('fail', 'ITEM_LOCKED');
    await page.getByText('Your bank has locked this login.').waitFor();
    expect(await page.evaluate('document.activeElement.dataset.focus')).toBe('');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await endDialog('succeed', 'access-token');
    await heading('All set');
    expect(bus.lastAsked('link-session.refuse')).toMatchObject({ attempt_id: 'attempt1', code: 'ITEM_LOCKED' });
  });

  it('closes the provider’s dialog and may choose again', async () => {
    const link = newLink({ action: 'relink', provider: 'teller' }, atBank);
    letAttempt(link, () => ({}));
    await open(link);
    await button('Reconnect').click();
    await page.getByText('The dialog of the provider').waitFor();
    expect(await page.evaluate('window.dialog.opened')).toMatchObject({
      applicationId: 'app_1',
      enrollmentId: 'enr_1',
    });
    await endDialog('cancel');
    await button('Reconnect').waitFor();
  });

  it('connects two banks, says so, and goes back to the app with a signed result', async () => {
    const link = newLink({ redirect_url: new URL('/app', script.url).href });
    const banks = ['c1', 'c2'];
    letAttempt(link, () => ({
      result_connection_ids: banks.slice(0, link.page.session.result_connection_ids.length + 1),
    }));
    await open(link);
    await button('Connect with Plaid').click();
    await endDialog('succeed', 'one');
    await button('Connect another bank').click();
    await button('Connect with Teller').click();
    await endDialog('succeed', 'two');
    await page.getByText('2 banks are connected.').waitFor();
    await button("I'm done").click();
    await page.waitForURL('**/app?**');
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('status'), searchParams.get('link_session_id')]).toEqual([
      'completed',
      link.page.session.id,
    ]);
    expect(searchParams.get('result')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('gives up only after a second thought', async () => {
    const link = newLink();
    letAttempt(link, () => ({}));
    await open(link);
    await button("I don't want to do this").click();
    await button('Go back').click();
    expect(link.page.session.status).toBe('active');
    await button("I don't want to do this").click();
    await button('Yes, stop').click();
    await heading('This link is no longer valid');
  });

  it('loses nothing when an answer is lost while the bank is asked', async () => {
    const link = newLink({ single_use: true });
    letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    const finish = bus.answers['connection.link.finish']!;
    const failures = ['connection.link.finish', 'link-session.page'];
    bus.answers['connection.link.finish'] = (ask) => {
      if (failures.shift()) throw new DomainError('UNAVAILABLE');
      return finish(ask);
    };
    await open(link);
    await button('Connect with Plaid').click();
    await endDialog('succeed', 'public-token');
    await heading('All set');
  });

  it('sees how an attempt in another tab ends', async () => {
    const link = newLink({ status: 'consumed', single_use: true, in_flight: ['attempt1'] });
    letAttempt(link, () => ({}));
    await open(link);
    await heading('Finishing…');
    Object.assign(link.page.session, { status: 'completed', in_flight: [], result_connection_ids: ['c1'] });
    await heading('All set');
  });

  it('is told of the end when it comes while the page is open', async () => {
    const link = newLink({ expires_at: new Date(Date.now() + 1_500).toISOString() });
    letAttempt(link, () => ({}));
    await open(link);
    Object.assign(link.page.session, { status: 'expired' });
    await heading('This link has expired');
  });
});
