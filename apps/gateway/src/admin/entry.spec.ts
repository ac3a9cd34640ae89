import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newToken } from '#contracts/secrets.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';

const hourSeconds = 60 * 60;
let gateway: TestGateway;

beforeAll(async () => (gateway = await startGateway()));
afterAll(() => gateway.app.close());

const cookiesOf = async (url: string, cookie = '') =>
  [(await gateway.app.inject({ url, headers: { cookie } })).headers['set-cookie'] ?? []].flat();

it('an invitation stays open in the browser for as long as its link is good', async () => {
  const token = newToken();
  const lifetime = `Max-Age=${3 * 24 * hourSeconds}; Path=/admin/welcome; HttpOnly; SameSite=Lax`;
  expect(await cookiesOf(`/admin/welcome/${token}`)).toEqual([`lk_welcome=${token}; ${lifetime}`]);
});

it('a form of somebody who is not signed in is good for an hour from when its page was shown last', async () => {
  Object.assign(gateway.bus.answers, { 'key.operator.setup-open': () => ({ open: false }) });
  const known = `lk_form=${newToken()}`;
  const lifetime = `Max-Age=${hourSeconds}; Path=/admin; HttpOnly; SameSite=Lax`;
  expect(await cookiesOf('/admin/sign-in', known)).toEqual([`${known}; ${lifetime}`]);
});

it('the dashboard opens also with a slash behind its address', async () => {
  Object.assign(gateway.bus.answers, { 'key.operator.session': () => null });
  const { statusCode, headers } = await gateway.app.inject('/admin/');
  expect([statusCode, headers.location]).toEqual([303, '/admin/sign-in']);
});
