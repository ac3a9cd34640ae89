import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { DomainError } from '#contracts/errors.js';
import { HandOffCodes } from '../apps/gateway/src/pages/hand-off-code.js';
import { qrCode } from '../apps/gateway/src/pages/qr-code.js';
import { describeInBrowser } from './browser.js';
import { answersFor, cookieOf, newLink, newVaultKey } from './page-app.js';
import { PageBench } from './page-bench.js';

const atBank = { institution_name: 'First Platypus Bank' };
let bench: PageBench;

beforeAll(async () => (bench = await PageBench.start()));
afterAll(() => bench.stop());

describeInBrowser('a person at the hosted page', () => {
  beforeEach(() => bench.newVisit());

  it('connects a bank; the token leaves the address bar and the provider’s token is sealed', async () => {
    const link = newLink({ single_use: true });
    bench.letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await bench.open(link);
    expect(bench.page.url()).toBe(`${bench.base}/link/s/${link.sid}`);
    expect(await bench.page.evaluate('Boolean(document.querySelector(`script[src^="http"]`))')).toBe(false);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'public-token-secret');
    await bench.heading('All set');
    expect(bench.bus.asked.map(({ subject }) => subject)).toContain('link-session.activate');
    expect(JSON.stringify(bench.bus.asked)).not.toContain('public-token-secret');
    expect(bench.faults).toEqual([]);
  });

  it('reads why the bank refused, tries again, and uses nothing but the keyboard', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await bench.open(link);
    await bench.button('Connect with Teller').focus();
    await bench.page.keyboard.press('Enter');
    await bench.endDialog('fail', 'ITEM_LOCKED');
    await bench.page.getByText('Your bank has locked this login.').waitFor();
    expect(await bench.page.evaluate('document.activeElement.dataset.focus')).toBe('');
    await bench.page.keyboard.press('Tab');
    await bench.page.keyboard.press('Enter');
    await bench.endDialog('succeed', 'access-token');
    await bench.heading('All set');
    expect(bench.bus.lastAsked('link-session.refuse')).toMatchObject({ attempt_id: 'attempt1', code: 'ITEM_LOCKED' });
  });

  it('gets a way out when the provider’s script never comes', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    await bench.page.clock.install();
    const asked = new Promise<void>((resolve) => void bench.page.route(bench.script.url, () => resolve()));
    await bench.open(link);
    await bench.button('Connect with Plaid').click();
    await asked;
    await bench.page.clock.fastForward(20_000);
    await bench.page.getByRole('alert').waitFor();
    expect(await bench.page.evaluate('document.querySelectorAll(`script[src^="http"]`).length')).toBe(0);
    await bench.page.unroute(bench.script.url);
    await bench.button('Try again').click();
    await bench.page.getByText('The dialog of the provider').waitFor();
  });

  it('closes the provider’s dialog and may choose again', async () => {
    const link = newLink({ action: 'relink', provider: 'teller' }, atBank);
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.button('Reconnect').click();
    await bench.page.getByText('The dialog of the provider').waitFor();
    expect(await bench.page.evaluate('window.dialog.opened')).toMatchObject({
      applicationId: 'app_1',
      enrollmentId: 'enr_1',
    });
    await bench.endDialog('cancel');
    await bench.button('Reconnect').waitFor();
  });

  it('connects two banks, says so, and goes back to the app with a signed result', async () => {
    const link = newLink({ redirect_url: new URL('/app', bench.script.url).href });
    const banks = ['c1', 'c2'];
    bench.letAttempt(link, () => ({
      result_connection_ids: banks.slice(0, link.page.session.result_connection_ids.length + 1),
    }));
    await bench.open(link);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'one');
    await bench.button('Connect another bank').click();
    await bench.button('Connect with Teller').click();
    await bench.endDialog('succeed', 'two');
    await bench.page.getByText('2 banks are connected.').waitFor();
    await bench.button("I'm done").click();
    await bench.page.waitForURL('**/app?**');
    const { searchParams } = new URL(bench.page.url());
    expect([searchParams.get('status'), searchParams.get('link_session_id')]).toEqual([
      'completed',
      link.page.session.id,
    ]);
    expect(searchParams.get('result')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('gives up only after a second thought', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.button("I don't want to do this").click();
    await bench.button('Go back').click();
    expect(link.page.session.status).toBe('active');
    await bench.button("I don't want to do this").click();
    await bench.button('Yes, stop').click();
    await bench.heading('This link is no longer valid');
  });

  it('loses nothing when an answer is lost while the bank is asked', async () => {
    const link = newLink({ single_use: true });
    bench.letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    const finish = bench.bus.answers['connection.link.finish']!;
    const failures = ['connection.link.finish', 'link-session.page'];
    bench.bus.answers['connection.link.finish'] = (ask) => {
      if (failures.shift()) throw new DomainError('UNAVAILABLE');
      return finish(ask);
    };
    await bench.open(link);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'public-token');
    await bench.heading('All set');
  });

  it('is not told that all is set when somebody else took the one use of the link meanwhile', async () => {
    const link = newLink({ single_use: true, redirect_url: new URL('/app', bench.script.url).href });
    bench.letAttempt(link, () => ({}));
    bench.bus.answers['connection.link.finish'] = () => {
      Object.assign(link.page.session, { status: 'completed', result_connection_ids: ['c1'] });
      throw new DomainError('CONSUMED');
    };
    await bench.open(link);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'public-token');
    await bench.heading('This link has already been used');
    expect(bench.page.url()).toBe(`${bench.base}/link/over/used`);
  });

  it('sees how an attempt in another tab ends', async () => {
    const link = newLink({ status: 'consumed', single_use: true, in_flight: ['attempt1'] });
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.heading('Finishing…');
    Object.assign(link.page.session, { status: 'completed', in_flight: [], result_connection_ids: ['c1'] });
    await bench.heading('All set');
  });

  it('leaves word of a used one-time link that is opened, once, and not of its own page loaded again', async () => {
    const link = newLink({ status: 'completed', single_use: true, result_connection_ids: ['c1'] });
    bench.letAttempt(link, () => ({}));
    const asked = bench.bus.count('link-session.activate');
    await bench.admit(link);
    await bench.page.goto(`${bench.base}/link/s/${link.sid}`);
    await bench.heading('All set');
    await bench.newVisit();
    const said = bench.page.waitForResponse((answer) => answer.url().endsWith('/activate'));
    await bench.open(link);
    expect((await said).status()).toBe(410);
    await bench.page.reload();
    await bench.heading('This link has already been used');
    expect(bench.page.url()).toBe(`${bench.base}/link/over/used`);
    expect(bench.bus.count('link-session.activate')).toBe(asked + 1);
    expect(bench.faults).toEqual([]);
  });

  it('is told of the end when it comes while the page is open', async () => {
    const link = newLink({ expires_at: new Date(Date.now() + 1_500).toISOString() });
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    Object.assign(link.page.session, { status: 'expired' });
    await bench.heading('This link has expired');
  });
});

describeInBrowser('two tabs', () => {
  beforeEach(() => bench.newVisit());

  it('at two links do not meet, and both can be loaded again', async () => {
    const [one, other] = [newLink({ label: 'the first' }), newLink({ label: 'the second' })];
    bench.bus.answers = answersFor(one, other);
    await bench.open(one);
    const tab = await bench.newTab();
    await tab.goto(`${bench.base}/link/${other.token}`);
    for (const [page, label] of [
      [bench.page, 'the first'],
      [tab, 'the second'],
    ] as const) {
      await page.reload();
      await page.getByText(label).waitFor();
      expect(page.url()).not.toContain(one.token);
      expect(page.url()).not.toContain(other.token);
    }
    await bench.button('Connect with Plaid').waitFor();
  });

  it('at one link show the same, without being loaded again', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({ result_connection_ids: ['c1'] }));
    await bench.open(link);
    const tab = await bench.newTab();
    await tab.goto(`${bench.base}/link/s/${link.sid}`);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'one');
    await tab.getByRole('heading', { name: 'Your bank is connected' }).waitFor();
    await tab.getByRole('button', { name: "I'm done" }).click();
    await bench.heading('All set');
  });
});

describeInBrowser('going on at a phone', () => {
  const desk = { viewport: { width: 1280, height: 800 } };
  /** What the gateway has sealed, which no test could read from the picture. */
  let sealed: string[];

  beforeEach(async () => {
    sealed = [];
    await bench.newVisit(desk);
    const codes = bench.app.get(HandOffCodes);
    jest.spyOn(codes, 'seal').mockImplementation((token) => {
      const code = HandOffCodes.prototype.seal.call(codes, token);
      sealed.push(code);
      return code;
    });
  });
  afterEach(() => void jest.restoreAllMocks());

  /** Opens a code at another device, as its camera does. */
  async function atPhone(code: string): Promise<Page> {
    const context = await bench.browser.newContext({ viewport: { width: 360, height: 740 } });
    const page = await context.newPage();
    await page.goto(`${bench.base}/link/continue#${code}`);
    return page;
  }

  it('works by a code that holds no token, once, and the page at the desk follows to the end', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await bench.open(link);
    await bench.button('Continue on your phone').click();
    const picture = bench.page.locator('dialog svg path');
    await bench.page.locator('dialog path[d^=M]').waitFor();
    expect(await picture.getAttribute('d')).toBe(qrCode(`${bench.base}/link/continue#${sealed[0]}`).path);
    expect(await bench.page.content()).not.toContain(link.token);

    const phone = await atPhone(sealed[0]!);
    await phone.getByRole('heading', { name: 'Connect your bank' }).waitFor();
    expect(phone.url()).toBe(`${bench.base}/link/s/${link.sid}`);
    await bench.page.getByText('Your phone has this link now.').waitFor();
    expect(await bench.page.locator('dialog[open]').count()).toBe(0);

    await phone.getByRole('button', { name: 'Connect with Plaid' }).click();
    await phone.getByText('The dialog of the provider').waitFor();
    await phone.evaluate('window.dialog.succeed("public-token")');
    await phone.getByText('go on at your other device').waitFor();
    await bench.heading('All set');
    expect(await bench.page.locator('[data-news]').textContent()).toContain('All set');
    expect(bench.faults).toEqual([]);
    await phone.context().close();
  });

  it('is told also to a page for which the link has too many streams open already', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    const others = new AbortController();
    const stream = { headers: { cookie: cookieOf(link) }, signal: others.signal };
    const follow = () => fetch(`${bench.base}/link/s/${link.sid}/events`, stream);
    await Promise.all(Array.from({ length: 20 }, follow));
    const refused = bench.page.waitForResponse((answer) => answer.url().endsWith('/events'));
    await bench.open(link);
    expect((await refused).status()).toBe(429);
    link.page.hand_overs = 1;
    await bench.page.getByText('Your phone has this link now.').waitFor();
    others.abort();
    expect(bench.faults).toEqual([]);
  });

  it('is heard by who does not see that the bank has refused', async () => {
    const link = newLink({}, { hand_overs: 1 });
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.page.getByText('Your phone has this link now.').waitFor();
    Object.assign(link.page.session, { last_refusal: { code: 'ITEM_LOCKED', message: '' } });
    await bench.page.getByText('That did not work').waitFor();
    expect(await bench.page.locator('[data-news]').textContent()).toMatch(
      /^Connect your bank Your bank has locked this/,
    );
  });

  it('leaves no code behind to run out when the page becomes another one', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    await bench.page.clock.install();
    await bench.open(link);
    await bench.button('Continue on your phone').click();
    await bench.page.locator('dialog path[d^=M]').waitFor();
    Object.assign(link.page.session, { status: 'completed', result_connection_ids: ['c1'] });
    await bench.heading('All set');
    await bench.page.clock.fastForward(120_000);
    expect(bench.faults).toEqual([]);
  });

  it('says so when a code was used before', async () => {
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.button('Continue on your phone').click();
    await bench.page.locator('dialog path[d^=M]').waitFor();
    bench.bus.answers['link-session.hand-over'] = () => {
      throw new DomainError('CONSUMED');
    };
    const phone = await atPhone(sealed[0]!);
    await phone.getByRole('alert').getByText('This code no longer works.').waitFor();
    await phone.getByRole('heading', { name: 'That did not work' }).waitFor();
    expect(phone.url()).toBe(`${bench.base}/link/continue`);
    await phone.context().close();
  });

  it('is not offered at a phone', async () => {
    await bench.newVisit({ isMobile: true, hasTouch: true });
    const link = newLink();
    bench.letAttempt(link, () => ({}));
    await bench.open(link);
    await bench.button('Connect with Plaid').waitFor();
    expect(await bench.button('Continue on your phone').isVisible()).toBe(false);
  });
});

describeInBrowser('a person whom a provider sends back', () => {
  it('tries again after a part was away, in another language too, and goes on to the app', async () => {
    await bench.newVisit();
    bench.bus.answers = {};
    const first = `?state=${'x'.repeat(43)}&code=%22&scope=read&scope=write`;
    const said: string[] = [];
    bench.page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname.startsWith('/v1/connect')) said.push(search);
    });
    await bench.page.goto(`${bench.base}/v1/connect/callback/mercadopago${first}#_=_`);
    await bench.heading('We will be right back');
    await bench.page.getByRole('link', { name: 'Deutsch', exact: true }).click();
    await bench.heading('Wir sind gleich wieder da');
    const redirect_to = new URL('/app', bench.script.url).href;
    bench.bus.answers = {
      'connection.vault-key': newVaultKey,
      'connection.connect.finish': () => ({ redirect_to }),
    };
    await bench.page.getByRole('link', { name: 'Noch einmal versuchen' }).click();
    await bench.page.waitForURL(redirect_to);
    expect(said).toEqual([first, `${first}&lang=de`, `${first}&lang=de`]);
    expect(bench.faults).toEqual([]);
  });
});

describeInBrowser('the language', () => {
  it('can be chosen, is kept for the next link, and leaves no trace in the address', async () => {
    await bench.newVisit({ locale: 'fr-FR' });
    const [one, other] = [newLink(), newLink()];
    bench.bus.answers = answersFor(one, other);
    await bench.open(one);
    await bench.heading('Connectez votre banque');
    await bench.page.getByRole('link', { name: 'Deutsch' }).click();
    await bench.heading('Verbinden Sie Ihre Bank');
    await bench.page.waitForFunction('location.search === ""');
    await bench.open(other);
    await bench.heading('Verbinden Sie Ihre Bank');
    expect(await bench.page.getByRole('link', { name: 'Deutsch' }).getAttribute('aria-current')).toBe('true');
  });

  it('is that of the same page, whatever the person had asked it for', async () => {
    await bench.newVisit();
    const link = newLink({ status: 'active', result_connection_ids: ['c1'] });
    bench.bus.answers = answersFor(link);
    await bench.open(link);
    await bench.button('Connect another bank').click();
    await bench.heading('Connect your bank');
    await bench.page.getByRole('link', { name: 'Deutsch' }).click();
    await bench.heading('Verbinden Sie Ihre Bank');
    await bench.page.waitForFunction('location.search === "?pick=1"');
  });
});
