import type { Server } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { SessionView } from '#contracts/link-session.js';
import { launchBrowser } from './browser.js';
import { answersFor, type Link, newVaultKey, PageBus, serveScript, startPages } from './page-app.js';

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

const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' };

/** The gateway's pages over a fake bus, and a browser in front of them. */
export class PageBench {
  readonly bus = new PageBus();
  /** What the browser complained about: the policy, and exceptions of the script. */
  faults: string[] = [];
  page!: Page;
  private context: BrowserContext | undefined;

  private constructor(
    readonly browser: Browser,
    readonly script: { url: string; server: Server },
  ) {}

  app!: NestFastifyApplication;
  base!: string;

  static async start(): Promise<PageBench> {
    const script = await serveScript(providerScript);
    process.env['PLAID_SCRIPT_URL'] = process.env['TELLER_SCRIPT_URL'] = script.url;
    const bench = new PageBench(await launchBrowser(), script);
    bench.app = await startPages(bench.bus);
    await bench.app.listen(0, '127.0.0.1');
    bench.base = (await bench.app.getUrl()).replace('[::1]', '127.0.0.1');
    return bench;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.app.close();
    this.script.server.close();
  }

  /** A new person, at a phone if nothing else is said; the last one has left. */
  async newVisit(options: BrowserContextOptions = {}): Promise<void> {
    await this.context?.close();
    this.faults = [];
    this.context = await this.browser.newContext({ ...phone, ...options });
    this.page = await this.newTab();
  }

  async newTab(): Promise<Page> {
    const page = await this.context!.newPage();
    page.on('console', (message) => /Content Security Policy/.test(message.text()) && this.faults.push(message.text()));
    page.on('pageerror', (error) => this.faults.push(String(error)));
    return page;
  }

  /** The services’ side of an attempt: what a start and a finish do to the session. */
  letAttempt(link: Link, end: () => Partial<SessionView>): void {
    this.bus.answers = {
      ...answersFor(link),
      'connection.vault-key': newVaultKey,
      'connection.link.start': ({ provider }) => ({
        attempt_id: 'attempt1',
        kind: provider,
        script_url: this.script.url,
        ...(provider === 'plaid' ? { link_token: 'link-token' } : { application_id: 'app_1', enrollment_id: 'enr_1' }),
      }),
      'connection.link.finish': () => Object.assign(link.page.session, end()),
    };
  }

  /** Lets the browser in to a session without opening its link. */
  async admit({ sid, token }: Link): Promise<void> {
    await this.context!.addCookies([{ name: `lk_${sid}`, value: token, url: `${this.base}/link/s/${sid}` }]);
  }

  open = (link: Link) => this.page.goto(`${this.base}/link/${link.token}`);
  button = (name: string) => this.page.getByRole('button', { name, exact: true });
  heading = (name: string) => this.page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();

  /** The dialog of the fake provider, once the page has opened it. */
  async endDialog(how: 'succeed' | 'fail' | 'cancel', value = ''): Promise<void> {
    await this.page.getByText('The dialog of the provider').waitFor();
    await this.page.evaluate(`window.dialog.${how}(${JSON.stringify(value)})`);
  }
}
