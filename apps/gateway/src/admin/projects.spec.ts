import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { startDashboard, type TestDashboard } from '../../test/dashboard.js';
import { projectView } from '../../test/views.js';

const app = 'https://app.example';
const local = 'http://localhost:3000';
const url = `/admin/settings/projects/${projectView.id}`;

let dashboard: TestDashboard;
let project: typeof projectView;

beforeAll(async () => (dashboard = await startDashboard()));
afterAll(() => dashboard.app.close());
beforeEach(() => {
  dashboard.renew();
  project = { ...projectView, name: 'Home', redirect_origins: [app] };
  dashboard.bus.answers['key.project.list'] = () => ({ items: [project], next_cursor: null });
});

/** The form as it was shown at the start, changed as somebody types. */
const change = (typed: Record<string, string>, to = url) =>
  dashboard.post(to, { before_name: 'Home', before_origins: app, name: 'Home', origins: app, ...typed });

/** The changes that were asked for, each as what the service was to make of the project. */
const asked = () =>
  dashboard.bus.asked
    .filter(({ subject }) => subject === 'key.project.rename' || subject === 'key.project.allow-redirects')
    .map(({ ask }) => {
      const { context: _, ...change } = ask as { context: object };
      return change;
    });

describe('the form of a project', () => {
  it('changes what was changed in it by the commands of the API, and nothing else', async () => {
    const { headers } = await change({ name: 'Our home' });
    expect(headers['location']).toBe('/admin/settings/projects?done=project-changed');
    await change({ origins: ` ${app}/\r\n\r\n${local}` });
    await change({});
    expect(asked()).toEqual([
      { id: project.id, name: 'Our home' },
      { id: project.id, origins: [app, local] },
    ]);
  });

  it('says which address is none, and keeps what was typed', async () => {
    const { status, text } = await change({ name: 'Our home', origins: `${app}\r\napp.example/home` });
    expect([status, asked()]).toEqual([400, []]);
    expect(text).toContain('Address 2 must be https://host[:port]');
    expect(text).toContain('value="Our home"');
    expect((await change({}, '/admin/settings/projects/prj_0000000000000000')).status).toBe(404);
  });

  it('leaves what somebody else has changed since it was shown', async () => {
    project = { ...project, redirect_origins: [] };
    expect((await change({ name: 'Our home' })).status).toBe(303);
    expect(asked()).toEqual([{ id: project.id, name: 'Our home' }]);
  });

  it('replaces what somebody else has changed only once that was said', async () => {
    project = { ...project, name: 'Theirs', redirect_origins: [local] };
    const { status, text } = await change({ origins: `${app}\r\nhttps://new.example` });
    expect([status, asked()]).toEqual([409, []]);
    expect(text).toContain(`Somebody has changed the list meanwhile. It is now: ${local}. Save again to replace it.`);
    expect(text).toMatch(new RegExp(`name="before_name" value="Theirs"><input [^>]*"before_origins" value="${local}"`));
    expect(text).toMatch(/name="name"[^>]*value="Theirs"[^]*https:\/\/new\.example<\/textarea>/);
    const again = { name: 'Theirs', before_name: 'Theirs', before_origins: local, origins: 'https://new.example' };
    expect((await change(again)).status).toBe(303);
    expect(asked()).toEqual([{ id: project.id, origins: ['https://new.example'] }]);
  });

  it('says all that somebody else has changed, before any of it is replaced', async () => {
    project = { ...project, name: 'Theirs', redirect_origins: [] };
    const { text } = await change({ name: 'Our home', origins: local });
    expect(text).toContain('the name meanwhile. It is now: Theirs.');
    expect(text).toContain('the list meanwhile. It is now: empty.');
    expect(asked()).toEqual([]);
  });

  it('can be sent again when its answer was lost half-way', async () => {
    dashboard.bus.answers['key.project.allow-redirects'] = () => {
      project = { ...project, name: 'Our home' };
      throw new DomainError('UNAVAILABLE');
    };
    const typed = { name: 'Our home', origins: local };
    expect((await change(typed)).status).toBe(503);
    expect((await change(typed)).status).toBe(503);
    expect(asked()).toEqual([
      { id: project.id, name: 'Our home' },
      { id: project.id, origins: [local] },
      { id: project.id, origins: [local] },
    ]);
  });
});
