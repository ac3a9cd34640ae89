import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { startDashboard, type TestDashboard } from '../../test/dashboard.js';
import { auditEntry, connectionView } from '../../test/views.js';

const url = '/admin/timeline/moment';

let dashboard: TestDashboard;

beforeAll(async () => (dashboard = await startDashboard()));
beforeEach(() => dashboard.renew());
afterAll(() => dashboard.app.close());

/** So many connections of either kind have begun, at these positions. */
function began(positions: Record<string, number[]>): void {
  const { bus } = dashboard;
  bus.answers['audit.list'] = ({ filter: { type = '' } }) => ({
    items: (positions[type] ?? []).map((at) => ({
      ...{ ...auditEntry, type, position: String(at) },
      subject: { ...auditEntry.subject, id: `at-${at}` },
    })),
    next_cursor: null,
  });
  bus.answers['connection.platform.get'] = ({ id }) => ({ ...connectionView, id, institution_name: `Bank ${id}` });
}
const from = (newest: number, number: number) => Array.from({ length: number }, (_, n) => newest - 2 * n);

describe('a moment in time', () => {
  it('shows the newest connections, whichever way each was made', async () => {
    began({ ConnectionLinked: from(1_001, 25), ConnectionCreated: from(1_050, 25) });
    const { text } = await dashboard.get(url);
    const shown = [...text.matchAll(/>Bank at-(\d+)</g)].map(([, at]) => Number(at));
    expect(shown).toHaveLength(25);
    expect(shown).toEqual([...from(1_050, 25), ...from(1_001, 25)].sort((a, b) => b - a).slice(0, 25));
  });

  it('says that none of the newest was there, which is not that nothing was connected yet', async () => {
    began({ ConnectionCreated: from(1_050, 25) });
    dashboard.bus.answers['connection.platform.get'] = () => {
      throw new DomainError('NOT_FOUND');
    };
    const { text } = await dashboard.get(url);
    expect(text).toContain('None of the newest 25 was there then.');
    expect(text).not.toContain('Nothing was connected yet.');
    began({});
    expect((await dashboard.get(url)).text).toContain('Nothing was connected yet.');
  });

  it.each([60_000, 199, 201, 0, 123_456_789])(
    'has a slider that reaches the present, when the timeline is %d ms long',
    async (length) => {
      const at = new Date(Date.now() - length).toISOString();
      dashboard.bus.answers['audit.list'] = ({ filter }) => ({
        items: filter.limit === 1 ? [{ ...auditEntry, at }] : [],
        next_cursor: null,
      });
      const { text } = await dashboard.get(url);
      const numbers = /min="(\d+)" max="(\d+)" step="(\d+)" value="(\d+)"/.exec(text)!.slice(1).map(Number);
      const [min = 0, max = 0, step = 0, value] = numbers;
      expect([(max - min) % step, value]).toEqual([0, max]);
      expect(min).toBeLessThanOrEqual(Date.parse(at));
      expect(min).toBeGreaterThan(Date.parse(at) - step);
    },
  );

  it('says to who cannot see the slider which moment it stands at', async () => {
    const { text } = await dashboard.get(`${url}?at=${Date.parse(auditEntry.at) + 60_000}`);
    expect(text).toContain('aria-valuetext="1 Jan 2026, 12:01 UTC"');
  });
});
