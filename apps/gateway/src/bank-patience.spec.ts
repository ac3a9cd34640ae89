import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import { platformConnectionId } from '#contracts/ids.js';
import type { Subject } from '#contracts/subjects.js';
import { adminKey, startGateway, type TestGateway } from '../test/gateway.js';
import { connectionView } from '../test/views.js';

/** A bank has as long to answer (apps/connection/src/providers/provider.ts). */
const BANK_MS = 8_000;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  const view = { ...connectionView, state: 'revoked' as const };
  Object.assign(gateway.bus.answers, {
    'connection.disconnect': () => ({ view, position: '7' }),
    'connection.platform.revoke': () => ({ view, position: '7', already: false }),
    'connection.platform.delete': () => ({ position: '7' }),
  });
});
afterAll(() => gateway.app.close());

const household = `/api/v1/connections/${connectionView.id}`;
const platform = `/v1/connections/${platformConnectionId(connectionView.id)}`;

describe('a bank that takes its time', () => {
  it.each<['POST' | 'DELETE', string, Subject]>([
    ['DELETE', household, 'connection.disconnect'],
    ['POST', `${platform}/revoke`, 'connection.platform.revoke'],
    ['DELETE', platform, 'connection.platform.delete'],
  ])('is waited for by %s %s', async (method, url, subject) => {
    const { status } = await gateway.call({ method, url, headers: { authorization: `Bearer ${adminKey}` } });
    expect([200, 204]).toContain(status);
    const { ask, timeoutMs } = gateway.bus.asked.find((each) => each.subject === subject)!;
    expect(timeoutMs).toBeGreaterThan(BANK_MS + 1_000);
    // What the bank has said can still be recorded.
    expect((ask as { context: Context }).context.deadline - Date.now()).toBeGreaterThan(BANK_MS);
  });
});
