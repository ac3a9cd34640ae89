import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newToken } from '#contracts/secrets.js';
import type { Answers } from '../apps/gateway/test/fake-bus.js';
import { describeInBrowser } from './browser.js';
import { answersOf, states } from './dashboard-states.js';
import { PageBench } from './page-bench.js';

const word = 'Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft';
const email = 'ada.king-noel.countess.of.lovelace@analytical-engines.department.university.example';
const past = '2026-09-28T22:28:58.888Z';
const future = '2099-09-28T22:28:58.888Z';

/** What stands in a column at its longest. */
const longest: Record<string, unknown> = {
  name: word,
  label: word,
  user_name: word,
  institution_name: word,
  display_name: word,
  summary: word,
  error_message: word,
  error_code: 'INSTITUTION_REGISTRATION_REQUIRED',
  email,
  created_by: email,
  key_prefix: 'csk_test_MMMMMMMM0',
  scopes: ['connections:read', 'connections:write', 'agent_sessions:read', 'agent_sessions:write'],
  redirect_origins: [`https://${word.slice(0, 60)}.example`],
  last_used_at: past,
  expires_at: future,
  retires_at: future,
};

/** The same answers, and each text of them as long as it may be. */
function withLongest(answers: Answers): Answers {
  const lengthen = (key: string, value: unknown) => (key in longest && value !== undefined ? longest[key] : value);
  return Object.fromEntries(
    Object.entries(answers).map(([subject, answer]) => [
      subject,
      async (ask: never) => {
        const said: unknown = await answer(ask);
        return said === undefined ? said : (JSON.parse(JSON.stringify(said, lengthen)) as unknown);
      },
    ]),
  );
}

/** By how many pixels the page is wider than the screen, or a table wider than its place. */
const beyond = `Math.max(document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('table')].map(
  (each) => Math.floor(each.getBoundingClientRect().right - each.parentElement.getBoundingClientRect().right)))`;

let bench: PageBench;

beforeAll(async () => {
  bench = await PageBench.start();
  await bench.newVisit({ locale: 'en-US', timezoneId: 'UTC' });
  await bench.page.context().addCookies([{ name: 'lk_admin', value: newToken(), url: `${bench.base}/admin` }]);
});
afterAll(() => bench.stop());

describeInBrowser('the dashboard', () => {
  it.each(Object.keys(states))('shows %s on any screen, however long its texts are', async (name) => {
    const state = states[name]!;
    const wider: string[] = [];
    bench.bus.answers = withLongest(answersOf(state));
    await bench.page.goto(`${bench.base}/admin${state.path}`);
    await bench.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
    await state.act?.(bench.page);
    for (const width of [320, 768, 1152, 1280, 1600]) {
      await bench.page.setViewportSize({ width, height: 800 });
      const hidden = await bench.page.evaluate<number>(beyond);
      if (hidden > 0) wider.push(`${width}: ${hidden}`);
    }
    expect(wider).toEqual([]);
  });
});
