import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { until } from '#testing/api.js';
import { describeInBrowser } from './browser.js';
import { newLink } from './page-app.js';
import { PageBench } from './page-bench.js';

let bench: PageBench;

beforeAll(async () => (bench = await PageBench.start()));
afterAll(() => bench.stop());

describeInBrowser('what the browser has to load', () => {
  it('is less than 60 KB for the page and each step, with all that belongs to them', async () => {
    await bench.newVisit();
    const devtools = await bench.page.context().newCDPSession(bench.page);
    let bytes = 0;
    devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await devtools.send('Network.enable');
    const link = newLink({ label: 'Household budget' });
    bench.letAttempt(link, () => ({ status: 'completed', result_connection_ids: ['c1'] }));
    await bench.open(link);
    await bench.button('Connect with Plaid').click();
    await bench.endDialog('succeed', 'one');
    await bench.heading('All set');
    expect(bytes).toBeGreaterThan(2_000);
    expect(bytes).toBeLessThan(60_000);
  });

  // What a machine of its own speed adds is measured by the bench: the line alone may take this long.
  it('is two ways to the server and little else before the first bank can be chosen, script or no script', async () => {
    await bench.newVisit();
    const devtools = await bench.page.context().newCDPSession(bench.page);
    let [ways, bytes] = [0, 0];
    devtools.on('Network.requestWillBeSent', ({ request, redirectResponse }) => {
      if (!request.url.includes('/link/')) return;
      ways += 1;
      bytes += redirectResponse?.encodedDataLength ?? 0;
    });
    devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await devtools.send('Network.enable');
    await bench.page.route('**/assets/**', () => {});
    const link = newLink({ label: 'Household budget' });
    bench.letAttempt(link, () => ({}));
    await bench.page.goto(`${bench.base}/link/${link.token}`, { waitUntil: 'commit' });
    await until(
      () => bench.page.evaluate<number>('performance.getEntriesByName("first-contentful-paint").length'),
      (paints) => paints === 1 && bytes > 4_000,
    );
    expect(ways).toBe(2);
    expect(ways * 400 + (bytes / 51_200) * 1000).toBeLessThan(920);
    await bench.button('Connect with Plaid').click({ noWaitAfter: true });
    await bench.page.waitForURL(/with\/plaid\??$/, { waitUntil: 'commit' });
  });
});
