import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { browserPath as executablePath } from '#testing/browser.js';
import { median } from './figures.js';
import type { Fixture } from './fixture.js';

/** The hosted page, from the opening of the link on, in milliseconds. */
export interface PageRows {
  /** The redirect that takes the token out of the address bar is over. */
  redirected: number;
  /** The last byte of the page has come; what follows is the browser's work, on the cores that everything else uses, too. */
  arrived: number;
  /** The page is painted, and its choices work: they are forms, which wait for no script. */
  painted: number;
  /** Its script has run, which opens the dialogs and lets the page follow its session. */
  ready: number;
}

/** Slow 3G: 400 ms to the server and back, 400 kbit/s. */
const slow3g = { offline: false, latency: 400, downloadThroughput: 51_200, uploadThroughput: 51_200 };
const figures = `new Promise((resolve) => {
  const [visit] = performance.getEntriesByType('navigation');
  const tell = ({ startTime: painted }) =>
    resolve({
      redirected: visit.redirectEnd,
      arrived: visit.responseEnd,
      painted,
      ready: visit.domContentLoadedEventStart,
    });
  const paints = new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint').forEach(tell));
  paints.observe({ type: 'paint', buffered: true });
})`;
/** The first ones find a browser and a gateway that have hardly been used, and do not count. */
const [WARM_UP, OPENINGS] = [4, 11];
/** Without what a browser does in the background after its start. */
const FLAGS =
  '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** Undefined where there is no browser to measure with. */
export async function measurePage(fixture: Fixture): Promise<PageRows | undefined> {
  if (!existsSync(executablePath)) return undefined;
  const browser = await chromium.launch({ executablePath, args: FLAGS.split(' ') });
  const rows: PageRows[] = [];
  for (let i = 0; i < WARM_UP + OPENINGS; i++) rows.push(await open(browser, fixture));
  await browser.close();
  const middle = (of: keyof PageRows) => median(rows.slice(WARM_UP).map((row) => row[of]));
  return {
    redirected: middle('redirected'),
    arrived: middle('arrived'),
    painted: middle('painted'),
    ready: middle('ready'),
  };
}

/** A new person at a phone, whose browser knows nothing yet. */
async function open(browser: Browser, { api, mintBody }: Fixture): Promise<PageRows> {
  const { body } = await api.post('/api/v1/connections/link', mintBody);
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.emulateNetworkConditions', slow3g);
  await page.goto(body.url as string);
  const row = await page.evaluate<PageRows>(figures);
  await context.close();
  return row;
}
