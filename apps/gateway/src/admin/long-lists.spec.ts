import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { idOf } from '#contracts/ids.js';
import { startDashboard, type TestDashboard } from '../../test/dashboard.js';
import { auditEntry, connectionView, sessionView, usedKey, userView } from '../../test/views.js';

const stranger = idOf('user', 'user9999');

let dashboard: TestDashboard;

beforeAll(async () => (dashboard = await startDashboard()));
beforeEach(() => dashboard.renew());
afterAll(() => dashboard.app.close());

const link = { user_name: '', provider: '', label: '', expires_in_seconds: '900' };

describe('the dashboard with more users than a list has', () => {
  beforeEach(() => {
    dashboard.bus.answers['connection.user.list'] = () => ({ items: [userView], next_cursor: 'more' });
  });

  it.each(['/admin/sessions', '/admin/connections'])('%s can be narrowed to any of them by id', async (url) => {
    const { text } = await dashboard.get(`${url}?user_id=user9999`);
    expect(text).toMatch(new RegExp(`<input name="user_id"[^>]*list="people"[^>]*value="${stranger}"`));
    expect(text).toMatch(new RegExp(`<datalist id="people"><option value="${userView.id}">Ada</option>`));
  });

  it('sends a link to any of them by id, and says that the list is cut', async () => {
    const { text } = await dashboard.get('/admin/sessions');
    expect(text).toMatch(/<input id="user_id" name="user_id"[^>]*list="addressees"[^>]*data-reveals="new-user"/);
    expect(text).toContain('any other has to be named by id');
    expect(text).toContain('<div class="fields" id="new-user">');
    expect((await dashboard.post('/admin/sessions', { ...link, user_id: 'user9999' })).status).toBe(200);
    const minted = dashboard.bus.asked.find(({ subject }) => subject === 'link-session.mint')!;
    expect(minted.ask).toMatchObject({ terms: { user_id: stranger } });
  });

  it('keeps what was typed in the place of an id, and says what is wrong with it', async () => {
    const { status, text } = await dashboard.post('/admin/sessions', { ...link, user_id: 'Ada' });
    expect(status).toBe(400);
    expect(text).toContain('User must be a UUID or a short_id.');
    expect(text).toMatch(/<input id="user_id"[^>]*value="Ada"[^]*id="new-user" hidden/);
  });
});

it.each(['/admin/sessions', '/admin/connections'])(
  '%s says whom it is narrowed to, also by an id alone',
  async (url) => {
    const { text } = await dashboard.get(`${url}?user_id=user9999`);
    expect(text).toContain(`<option value="${stranger}" selected>${stranger}</option>`);
  },
);

it('/admin/sessions asks for the name of a new user in words', async () => {
  const { text } = await dashboard.post('/admin/sessions', { ...link, user_id: '' });
  expect(text).toContain('The name of the new user is required.');
});

describe('the list of keys', () => {
  const ended = { ...usedKey, revoked_at: usedKey.created_at };
  const page = async (next_cursor: string | null, query = '') => {
    dashboard.bus.answers['key.list'] = () => ({ items: [ended], next_cursor });
    return (await dashboard.get(`/admin/settings/api-keys${query}`)).text;
  };

  it('asks for the first key only where there is none on any page', async () => {
    expect(await page(null)).toContain('Create the first one');
    for (const text of [await page('more'), await page(null, '?cursor=more')]) {
      expect(text).not.toContain('Create the first one');
      expect(text).toMatch(/>Create key<[^]*No key on this page is in use\./);
    }
  });
});

it.each([`/admin/sessions/${sessionView.id}`, `/admin/connections/${connectionView.id}`])(
  '%s leads to the timeline where its history is too long for it',
  async (url) => {
    const [, , , id] = url.split('/');
    const way = `<a href="/admin/timeline?subject=${id}">All of it on the timeline</a>`;
    expect((await dashboard.get(url)).text).not.toContain(way);
    dashboard.bus.answers['audit.list'] = () => ({ items: [auditEntry], next_cursor: 'more' });
    expect((await dashboard.get(url)).text).toContain(way);
  },
);

it('/admin/settings/operators says that an invitation has ended', async () => {
  const operator = (link_expires_at: string) => ({
    ...{ id: '22222222-2222-4222-8222-222222222222', email: 'bob@example.com', role: 'viewer' as const },
    ...{ status: 'invited' as const, created_at: usedKey.created_at, link_expires_at },
  });
  const shown = async (ends: string) => {
    dashboard.bus.answers['key.operator.list'] = () => [operator(ends)];
    return (await dashboard.get('/admin/settings/operators')).text;
  };
  expect(await shown('2999-01-01T12:00:00.000Z')).toContain('Invited, no password yet');
  expect(await shown('2020-01-01T12:00:00.000Z')).toContain('The invitation has ended');
});
