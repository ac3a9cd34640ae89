import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newToken } from '#contracts/secrets.js';
import { describeInBrowser } from './browser.js';
import { answersOf, states } from './dashboard-states.js';
import { PageBench } from './page-bench.js';
import { canCompare, differences } from './pictures.js';

const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 780 };

let bench: PageBench;
/** An empty page, at which pictures are looked at. */
let desk: Page;
let comparable: boolean;

beforeAll(async () => {
  bench = await PageBench.start();
  await bench.newVisit({ viewport: desktop, locale: 'en-US', timezoneId: 'UTC' });
  desk = await bench.newTab();
  comparable = await canCompare(desk);
  const cookie = { name: 'lk_admin', value: newToken(), url: `${bench.base}/admin` };
  await bench.page.context().addCookies([cookie]);
});
afterAll(() => bench.stop());

describeInBrowser('the dashboard', () => {
  it.each(Object.keys(states))('shows %s as it was approved', async (name) => {
    const state = states[name]!;
    bench.bus.answers = answersOf(state);
    await bench.page.setViewportSize(desktop);
    await bench.page.goto(`${bench.base}/admin${state.path}`);
    await state.act?.(bench.page);
    const sizes = { desktop, ...(state.isForPhones && { phone }) };
    if (comparable) expect(await differences(bench.page, desk, { name: `dashboard ${name}`, sizes })).toEqual([]);
    expect(bench.faults).toEqual([]);
  });
});
