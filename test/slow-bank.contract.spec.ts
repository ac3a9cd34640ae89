import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, newCaller, newUser, until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { allow, bankUrlOf, openLink, type Started } from './page-visit.js';

/** Longer than a request usually waits, shorter than a bank may take. */
const SLOW_MS = 5_000;

let stack: Stack;
let api: Api;

beforeAll(async () => {
  stack = await startStack({ servers: 'local' });
  ({ api } = await newCaller(stack.run()));
});
afterAll(() => stack?.stop());

/** What is asked while the bank stands still. */
async function slowly<T>(asking: () => Promise<T>): Promise<T> {
  stack.kill('sandbox-bank', 'SIGSTOP');
  const answer = asking();
  await wait(SLOW_MS);
  stack.kill('sandbox-bank', 'SIGCONT');
  return answer;
}

describe('a bank that takes five seconds', () => {
  it('is waited for when an attempt starts and when the connection is ended', async () => {
    const link = { user_id: await newUser(api), provider: 'plaid', single_use: true };
    const { id, url } = (await api.post('/api/v1/connections/link', link)).body as { id: string; url: string };
    const visit = await openLink(url);
    await visit.post('activate');
    const started = await slowly(() => visit.post('start', { provider: 'plaid' }));
    expect(started.status).toBe(200);
    const { attempt_id } = started.body as Started;
    const { token } = await allow(bankUrlOf(stack), started.body as Started);
    await visit.post('finish', { attempt_id, token });
    const { body } = await until(
      () => api.get(`/api/v1/connections/link/${id}`),
      (session) => session.body.status === 'completed',
      15_000,
    );
    const [connection] = body.result_connection_ids as string[];
    expect((await slowly(() => api.delete(`/api/v1/connections/${connection}`))).status).toBe(204);
  });
});
