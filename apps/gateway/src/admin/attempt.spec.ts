import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { startDashboard, type TestDashboard } from '../../test/dashboard.js';
import { userView } from '../../test/views.js';

let dashboard: TestDashboard;

beforeAll(async () => (dashboard = await startDashboard()));
beforeEach(() => dashboard.renew());
afterAll(() => dashboard.app.close());

it('a form whose command took all the time there was is shown again, with time to read what it stands among', async () => {
  const { bus, post } = dashboard;
  bus.answers['link-session.mint'] = ({ context }) => {
    context.deadline = Date.now() - 10_000;
    throw new DomainError('UNAVAILABLE', 'link-session did not answer in time; try again.');
  };
  const fields = { user_id: '', user_name: 'Ada', provider: '', label: 'Rent', expires_in_seconds: '900' };
  const { status, text } = await post('/admin/sessions', fields);
  expect(status).toBe(503);
  expect(text).toContain(`<option value="${userView.id}" selected>`);
  expect(text).toContain('value="Rent"');
  const read = bus.asked.find(({ subject }) => subject === 'link-session.list');
  expect(read!.timeoutMs).toBeGreaterThan(3_000);
});
