import { type Api, until } from '#testing/api.js';
import type { SharedStack } from '#testing/stack.js';
import { allow, bankUrlOf, openLink, type Started } from './page-visit.js';

/** A bank connected through the page, without a browser; answers the connection's id. */
export async function linkBank(stack: SharedStack, api: Api, user_id: string): Promise<string> {
  const minted = (await api.post('/api/v1/connections/link', { user_id, single_use: true })).body as {
    id: string;
    url: string;
  };
  const page = await openLink(minted.url);
  await page.post('activate');
  const started = (await page.post('start', { provider: 'plaid' })).body as Started;
  const { token } = await allow(bankUrlOf(stack), started);
  await page.post('finish', { attempt_id: started.attempt_id, token });
  const session = () => api.get(`/api/v1/connections/link/${minted.id}`);
  const { body } = await until(session, (s) => s.body.status === 'completed');
  const [id] = (body as { result_connection_ids: string[] }).result_connection_ids;
  await until(
    () => api.get(`/api/v1/connections/${id}`),
    ({ status }) => status === 200,
  );
  return id!;
}
