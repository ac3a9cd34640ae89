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
});
