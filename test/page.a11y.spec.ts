import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeInBrowser } from './browser.js';
import { answersFor, newLink } from './page-app.js';
import { PageBench } from './page-bench.js';
import { show, states } from './page-states.js';
import { beside, canCompare, differences, isApproving } from './pictures.js';

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const schemes = ['light', 'dark'] as const;

let bench: PageBench;
/** An empty page, at which pictures are looked at. */
let desk: Page;
let comparable: boolean;

beforeAll(async () => {
  bench = await PageBench.start();
  await bench.newVisit();
  desk = await bench.newTab();
  comparable = await canCompare(desk);
});
afterAll(() => bench.stop());

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Through the debugger, because the page's own policy lets no foreign script in. */
async function violations(): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  await bench.page.evaluate(`if (!window.axe) { ${axe} }`);
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then((result) => result.violations)`;
  const found = await bench.page.evaluate<Violation[]>(run);
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`,
  );
}

const overflow = () =>
  bench.page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

const desktop = { width: 1000, height: 800 };
const phone = { width: 360, height: 740 };

describeInBrowser('the hosted page', () => {
  it.each(Object.keys(states))('%s can be used by everybody, in light and in dark', async (name) => {
    const state = states[name]!;
    await bench.page.setViewportSize(phone);
    await show(bench, state);
    for (const colorScheme of schemes) {
      await bench.page.emulateMedia({ colorScheme });
      expect(await violations()).toEqual([]);
    }
    const sizes = { desktop, ...(state.isForPhones && { phone }) };
    if (comparable) expect(await differences(bench.page, desk, { name, sizes })).toEqual([]);
    for (const width of [360, 320]) {
      await bench.page.setViewportSize({ width, height: 740 });
      expect(await overflow()).toBe(0);
    }
    expect(bench.faults).toEqual([]);
  });

  it.each(['en', 'es', 'pt', 'fr', 'de'])('an unknown link says so in %s', async (language) => {
    bench.bus.answers = answersFor();
    await bench.page.setExtraHTTPHeaders({ 'accept-language': language });
    expect((await bench.page.goto(`${bench.base}/link/${newLink().token}`))?.status()).toBe(404);
    expect(await bench.page.getAttribute('html', 'lang')).toBe(language);
    expect(await violations()).toEqual([]);
  });
});

/** The picture in the README is made of the same states. */
if (isApproving) {
  it('makes the picture of the README anew', async () => {
    const shots: Buffer[] = [];
    await bench.page.setExtraHTTPHeaders({ 'accept-language': 'en' });
    for (const colorScheme of schemes) {
      await bench.page.setViewportSize({ width: 420, height: 1080 });
      await bench.page.emulateMedia({ colorScheme });
      await show(bench, states['the picker']!);
      shots.push(await bench.page.screenshot());
    }
    writeFileSync(join(__dirname, '../docs/images/hosted-page.png'), await beside(desk, shots));
  });
}
