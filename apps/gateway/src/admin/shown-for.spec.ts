import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newToken } from '#contracts/secrets.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';
import { answers } from '../../test/answers.js';
import { connectionView, keyView, projectView, sessionView, usedKey } from '../../test/views.js';
import { RouteTable } from '../route-table.js';
import { csrfOf } from './cookies.js';

const token = newToken();
const here = `${projectView.id}.live`;
const there = `${projectView.id}.test`;
const operator = {
  id: '11111111-1111-4111-8111-111111111111',
  email: 'ada@example.com',
  role: 'administrator' as const,
};

let gateway: TestGateway;
let routes: RouteTable;

beforeAll(async () => {
  gateway = await startGateway();
  routes = gateway.app.get(RouteTable);
  const one = <Item>(item: Item) => ({ items: [item], next_cursor: null });
  Object.assign(gateway.bus.answers, answers, {
    'key.operator.session': () => operator,
    'key.operator.list': () => [{ ...operator, created_at: keyView.created_at }],
    'key.project.list': () => one(projectView),
    'key.list': () => one(usedKey),
    'key.revoke': () => ({ view: keyView, position: '1' }),
    'connection.providers': () => ['plaid'],
    'connection.platform.get': () => connectionView,
    'link-session.get': () => sessionView,
  });
});
afterAll(() => gateway.app.close());
beforeEach(() => {
  gateway.bus.asked.length = 0;
});

/** As a browser whose cookie names this place by now. */
const headersAt = (place: string) => ({
  host: 'localhost:8080',
  origin: 'http://localhost:8080',
  cookie: `lk_admin=${token}; lk_place=${place}`,
});

function send(url: string, place: string, fields: Record<string, string>) {
  const payload = new URLSearchParams({ csrf: csrfOf(token), ...fields }).toString();
  const headers = { ...headersAt(place), 'content-type': 'application/x-www-form-urlencoded' };
  return gateway.call({ method: 'POST', url, headers, payload });
}

const changes = () =>
  [...routes.methods]
    .filter(([path, methods]) => path.startsWith('/admin/') && methods.includes('POST'))
    .map(([path]) => path.replace(':id', keyView.id));
const isForEveryone = (path: string) => /sign-in|setup|welcome|account|projects\/show/.test(path);

describe('a form of the dashboard', () => {
  it('carries the place that its page was shown for', async () => {
    let forms = 0;
    for (const page of [
      ...['/admin/sessions', `/admin/sessions/${sessionView.id}`, '/admin/account'],
      ...[`/admin/connections/${connectionView.id}`, `/admin/connections/${connectionView.id}/metadata`],
      ...['api-keys', 'projects', 'operators', 'system'].map((tab) => `/admin/settings/${tab}`),
    ]) {
      const { status, text } = await gateway.call({ method: 'GET', url: page, headers: headersAt(there) });
      const posted = text.match(/<form [^>]*method="post"[^]*?<\/form>/g)!;
      const carry = posted.filter((form) => form.includes(`name="shown_for" value="${there}"`));
      expect([page, status, carry.length]).toEqual([page, 200, posted.length]);
      forms += posted.length;
    }
    expect(forms).toBeGreaterThan(25);
  });

  it('does nothing where the dashboard shows another place by now, or when it names none', async () => {
    const paths = changes().filter((path) => !isForEveryone(path));
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) {
      for (const fields of [{ shown_for: here }, { shown_for: '' }, {}]) {
        const { status, text } = await send(path, there, fields as Record<string, string>);
        expect([path, status]).toEqual([path, 403]);
        expect(text).toContain('This form is out of date');
      }
    }
    const subjects = new Set(gateway.bus.asked.map(({ subject }) => subject));
    expect([...subjects].sort()).toEqual(['key.operator.session', 'key.project.list']);
  });

  it('acts where its page was shown', async () => {
    const url = `/admin/settings/api-keys/${keyView.id}/revoke`;
    expect((await send(url, there, { shown_for: there })).status).toBe(303);
    const { ask } = gateway.bus.asked.find(({ subject }) => subject === 'key.revoke')!;
    expect(ask).toMatchObject({ context: { tenant: { project_id: projectView.id, environment: 'test' } } });
  });

  it('that is about the operator alone, or chooses a place, is taken from any page', async () => {
    const chosen = await send('/admin/settings/projects/show', there, { shown_for: here, place: here });
    expect(chosen.headers['set-cookie']).toContain(`lk_place=${here}`);
    gateway.bus.answers['key.operator.sign-out'] = () => ({});
    const left = await send('/admin/account/sign-out', there, { shown_for: here });
    expect(left.headers['location']).toBe('/admin/sign-in?done=signed-out');
  });
});
