import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuditEntry } from '#contracts/audit.js';
import { newToken } from '#contracts/secrets.js';
import type { ViewReplay } from '#contracts/replay.js';
import { until } from '#testing/api.js';
import { auditEntry, viewReplay } from '../apps/gateway/test/views.js';
import { describeInBrowser } from './browser.js';
import { answersOf, states } from './dashboard-states.js';
import { PageBench } from './page-bench.js';

const system = states['system']!;
/** How long whoever has stopped the browser waits until a form can be sent again. */
const stoppedMs = 30_000;

let bench: PageBench;

beforeAll(async () => (bench = await PageBench.start()));
afterAll(() => bench.stop());

describeInBrowser('the script of the dashboard', () => {
  beforeEach(async () => {
    await bench.newVisit({ locale: 'en-US' });
    await bench.page.context().addCookies([{ name: 'lk_admin', value: newToken(), url: `${bench.base}/admin` }]);
    await bench.page.clock.install();
    bench.bus.answers = answersOf(system);
  });

  const open = () => bench.page.goto(`${bench.base}/admin${system.path}`);

  it('sends a form once, and again for whoever has stopped the browser', async () => {
    const { page, button } = bench;
    let sent = 0;
    // Such an answer leaves the browser where it is, as its Stop does.
    await page.route('**/replays', (route) => route.fulfill({ status: 204 }).finally(() => (sent += 1)));
    await open();
    const send = () => page.locator('form[action$="/replays"]').first().evaluate('(form) => form.requestSubmit()');
    await button('Compare').click({ noWaitAfter: true });
    await page.clock.fastForward(300);
    await button('Comparing…').waitFor();
    await send();
    await page.clock.fastForward(stoppedMs);
    await button('Compare').click({ noWaitAfter: true });
    await until(
      () => Promise.resolve(sent),
      (times) => times > 1,
    );
    expect([sent, bench.faults]).toEqual([2, []]);
  });

  it('asks each second while a replay is under way, and no longer', async () => {
    const { page, bus } = bench;
    let state: ViewReplay['state'] = 'done';
    bus.answers['link-session.replay.list'] = () => [{ ...viewReplay, state }];
    await open();
    for (const [next, seconds, words] of [
      ['running', 10, 'under way'],
      ['done', 1, 'some rows did not say'],
      ['running', 10, 'under way'],
    ] as const) {
      expect(await page.locator('#system').getAttribute('data-live')).toBe(String(seconds));
      state = next;
      await page.clock.fastForward(seconds * 1000);
      await page.getByRole('status').filter({ hasText: words }).waitFor();
    }
    expect(bench.faults).toEqual([]);
  });

  describe('on the timeline', () => {
    const first = { ...auditEntry, summary: 'What there was.' };
    const news = { ...auditEntry, position: '13', summary: 'What is new.' };
    let entries: AuditEntry[];
    /** How often the page was asked for, by the person or by its script. */
    let shown: number;
    const shownTimes = (times: number) =>
      until(
        () => Promise.resolve(shown),
        (now) => now >= times,
      );

    beforeEach(() => {
      shown = 0;
      // Whether there is news is asked with a limit of one.
      bench.bus.answers['audit.list'] = ({ filter }) => {
        if (filter.limit !== 1) shown += 1;
        return { items: entries, next_cursor: null };
      };
    });

    const openTimeline = async () => {
      await bench.page.goto(`${bench.base}/admin/timeline`);
      // The script has asked for the first time what there is, and follows from there.
      await shownTimes(2);
    };

    it('takes nothing away from whoever reads, and shows what is new when they have done so', async () => {
      const { page } = bench;
      entries = [first];
      await openTimeline();
      await page.getByText('What there was.').click();
      entries = [news, first];
      await shownTimes(4);
      expect(await page.getByText('What is new.').count()).toBe(0);
      await page.getByText('What there was.').click();
      await page.getByRole('heading', { name: 'Timeline' }).click();
      await page.getByText('What is new.').waitFor();
      expect(bench.faults).toEqual([]);
    });

    it('shows the first event of a project also when the list learns of it after the timeline', async () => {
      const { page, bus } = bench;
      entries = [];
      await openTimeline();
      const known = bus.answers['audit.list']!;
      let late = 1;
      entries = [first];
      bus.answers['audit.list'] = async (ask) => {
        const page = await known(ask);
        return ask.filter.limit !== 1 && late-- > 0 ? { ...page, items: [] } : page;
      };
      await page.getByText('What there was.').waitFor();
      expect(bench.faults).toEqual([]);
    });
  });

  it('goes to the moment at which a pointer lets the slider go, and at which keys have arrived', async () => {
    const { page } = bench;
    await page.goto(`${bench.base}/admin/timeline/moment`);
    const slider = page.getByRole('slider', { name: 'Moment' });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).searchParams.get('at') ?? ''));
    const went = () =>
      until(
        () => Promise.resolve(asked.filter(Boolean)),
        (moments) => moments.length > 0,
      );
    const [present, shown] = [Number(await slider.inputValue()), await slider.getAttribute('aria-valuetext')];
    await slider.press('ArrowLeft');
    await slider.press('ArrowLeft');
    const step = Number(await slider.getAttribute('step'));
    expect(await slider.getAttribute('aria-valuetext')).not.toBe(shown);
    await slider.press('Enter');
    expect(await went()).toEqual([String(present - 2 * step)]);
    await page.waitForURL(/at=/);
    asked.length = 0;
    await slider.click();
    const [middle] = await went();
    expect(Number(middle)).toBeLessThan(present - 50 * step);
    expect(bench.faults).toEqual([]);
  });
});
