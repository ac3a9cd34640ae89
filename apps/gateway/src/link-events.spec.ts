import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { keyIdentity } from '#contracts/secrets.js';
import type { SessionChanges } from '#contracts/link-session.js';
import { DomainError } from '#contracts/errors.js';
import { adminKey, readKey, startGateway, type TestGateway } from '../test/gateway.js';
import { sessionView as session } from '../test/views.js';

let gateway: TestGateway;

beforeAll(async () => void (gateway = await startGateway()));
afterAll(() => gateway.app.close());

const pending: SessionChanges = { changes: [{ position: '5', session }], ended: false };

/** Read to its end: a stream that nobody ends keeps the test waiting. */
function follow(key: string, second: () => SessionChanges) {
  let asked = 0;
  gateway.bus.answers['link-session.changes'] = () => (asked++ === 0 ? pending : second());
  return gateway.call({ url: `/api/v1/connections/link/${session.id}/events`, headers: { 'x-api-key': key } });
}

it('has nothing for who comes again after the end, in words that end an EventSource', async () => {
  const over = (changes: SessionChanges['changes'] = []) => {
    gateway.bus.answers['link-session.changes'] = () => ({ changes, ended: true });
    const headers = { 'last-event-id': '5' };
    return gateway.call({ url: `/api/v1/connections/link/${session.id}/events`, headers });
  };
  const { status, text } = await over();
  expect([status, text]).toEqual([204, '']);
  expect(await over([{ position: '6', session }])).toMatchObject({ status: 200 });
});

it('ends when its service fails for good, so that the client comes again', async () => {
  const { status, text } = await follow(adminKey, () => {
    throw new DomainError('INTERNAL');
  });
  expect(status).toBe(200);
  expect(text).toMatch(/^id: 5\nevent: session\n/);
});

it('ends when the key is revoked, and says nothing after that', async () => {
  const { text } = await follow(readKey, () => {
    gateway.bus.change(keyIdentity(readKey).id);
    return { ...pending, changes: [{ position: '6', session }] };
  });
  expect(text).toContain('id: 5\n');
  expect(text).not.toContain('id: 6\n');
});

it('ends when the gateway closes, which would wait for it for ever', async () => {
  const closing = await startGateway();
  closing.bus.answers['link-session.changes'] = ({ wait_ms }) =>
    wait_ms === 0 ? pending : new Promise<never>(() => undefined);
  await closing.app.listen(0, '127.0.0.1');
  const { body } = await fetch(`${await closing.app.getUrl()}/api/v1/connections/link/${session.id}/events`, {
    headers: { 'x-api-key': adminKey },
  });
  await closing.app.close();
  expect(await new Response(body).text()).toMatch(/^id: 5\nevent: session\n/);
});
