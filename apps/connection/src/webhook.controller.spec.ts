import { expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { contextFor, newTenant } from '#testing/callers.js';
import { Catalog } from './catalog/catalog.js';
import { builtIn } from './catalog/servers.js';
import type { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import type { ConnectionQueries } from './connection-queries.js';
import type { CredentialStorage } from './credential-storage.js';
import type { WebhookFact } from './providers/provider.js';
import { WebhookController } from './webhook.controller.js';
import type { WebhookIntake } from './webhook-intake.js';
import { WebhookVerification } from './webhook-verification.js';

const SECRET = 'teller-secret';
const fact: WebhookFact = { deliveryId: 'd', type: 'x', code: '', effect: 'none', providerItemId: 'item' };
/** Key ids that Plaid was asked about. */
const lookedUp: unknown[] = [];
const taken: string[] = [];

const verifyPlaid = ({ headers }: { headers: Record<string, string> }) => {
  lookedUp.push(headers['plaid-verification']);
  return Promise.resolve(fact);
};
const controller = new WebhookController(
  { byProviderItem: () => Promise.resolve({ id: 'c' }) } as unknown as ConnectionQueries,
  new WebhookVerification(
    new Catalog([...builtIn]),
    { verifyPlaid } as unknown as ConfiguredProviders,
    { unseal: (text: string) => text } as unknown as CredentialStorage,
  ),
  {
    take: (id: string) => {
      taken.push(id);
      return Promise.resolve({ duplicate: false });
    },
  } as unknown as WebhookIntake,
);

/** To the address without a connection. */
const deliver = (server_id: string, headers: Record<string, string>, body = '{}') => {
  const sealed = JSON.stringify({ headers, query: {}, body: Buffer.from(body).toString('base64') });
  return controller.receive({ context: contextFor(newTenant()), server_id, id: null, sealed });
};

it('a delivery without a connection is refused unheard where each connection has an address', async () => {
  for (const { id } of builtIn) {
    if (id === 'teller') continue;
    await expect(deliver(id, { 'plaid-verification': 'a.b.YWE' })).rejects.toMatchObject({ code: 'INVALID_SIGNATURE' });
  }
  expect([lookedUp, taken]).toEqual([[], []]);
});

it('a delivery of Teller finds the connection of the login that it names', async () => {
  Object.assign(connectionEnv, { TELLER_SIGNING_SECRET: SECRET });
  const body = JSON.stringify({ id: 'w', type: 'enrollment.disconnected', payload: { enrollment_id: 'item' } });
  const t = Math.floor(Date.now() / 1000);
  const v1 = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex');
  expect(await deliver('teller', { 'teller-signature': `t=${t},v1=${v1}` }, body)).toMatchObject({ accepted: true });
  expect(taken).toEqual(['c']);
});

it('large deliveries without a connection are expected of Teller alone', async () => {
  const ids = builtIn.map(({ id }) => id);
  const answers = await Promise.all(ids.map((server_id) => controller.expects({ server_id, id: null })));
  expect(ids.filter((_, at) => answers[at]!.expected)).toEqual(['teller']);
});
