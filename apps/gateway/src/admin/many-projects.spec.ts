import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newToken } from '#contracts/secrets.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';
import { projectView } from '../../test/views.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  Object.assign(gateway.bus.answers, {
    'key.operator.session': () => ({ id: '1', email: 'ada@example.com', role: 'administrator' }),
    'key.project.get': () => projectView,
  });
});
afterAll(() => gateway.app.close());

/** A page of the newest first, each with another id. */
const newer = (page: number) =>
  Array.from({ length: 200 }, (_, n) => ({
    ...projectView,
    id: `prj_${String(page * 200 + n).padStart(16, '0')}`,
    is_default: false,
  }));

/** What the dashboard can show, and what it does show. */
async function places(cookie = '') {
  gateway.bus.asked.length = 0;
  const headers = { host: 'localhost:8080', cookie: `lk_admin=${newToken()}; ${cookie}` };
  const { text } = await gateway.call({ url: '/admin/account', headers });
  const options = [...text.matchAll(/<option value="(\w+)\.live"( selected)?>/g)];
  return { all: options.map(([, id]) => id!), shown: options.find(([, , selected]) => selected)?.[1] };
}

it('the dashboard shows every project, the oldest one first', async () => {
  gateway.bus.answers['key.project.list'] = ({ cursor }) =>
    cursor === 'more' ? { items: [projectView], next_cursor: null } : { items: newer(0), next_cursor: 'more' };
  const { all, shown } = await places();
  expect([all.length, all[0], shown]).toEqual([201, projectView.id, projectView.id]);
  const [oldest] = newer(0).slice(-1);
  expect((await places(`lk_place=${oldest!.id}.live`)).shown).toBe(oldest!.id);
});

it('the dashboard asks for so many projects and no more, and knows the default one all the same', async () => {
  gateway.bus.answers['key.project.list'] = ({ cursor = '0' }) => ({
    items: newer(Number(cursor)),
    next_cursor: String(Number(cursor) + 1),
  });
  const { all, shown } = await places();
  expect(gateway.bus.count('key.project.list')).toBe(10);
  expect([all.length, all[0], shown]).toEqual([2_001, projectView.id, projectView.id]);
});
