import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { metadataOf } from '#contracts/envelope.js';
import type { KeyEvent, KeyTerms } from '#contracts/key.js';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import { append } from '#eventstore/append.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { readStream } from '#eventstore/read-stream.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';
import { KeyFolds } from '../apps/key/src/key-folds.js';

const at = '2026-01-01T12:00:00.000Z';
const tenant = newTenant();
const terms: KeyTerms = {
  ...keyIdentity(newHouseholdKey()),
  ...tenant,
  ...{ kind: 'household', name: 'agent', scopes: ['full_access'] },
  ...{ actor_name: null, created_by: 'a test', expires_at: null },
};
const stream = `api_key-${terms.id}`;

let stack: Stack;
let client: EventStoreDBClient;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'] });
  client = connectEventStore(stack.run().eventstore.url);
});
afterAll(async () => {
  await client?.dispose();
  await stack?.stop();
});

async function write(...events: KeyEvent[]): Promise<void> {
  const context = contextFor(tenant);
  const { revision: expected } = await readStream(client, stream);
  const metadata = metadataOf(context);
  await append(client, { stream, expected, events, metadata, commandId: randomUUID(), deadline: Date.now() + 30_000 });
}
const renamed = (name: string): KeyEvent => ({ type: 'KeyRenamed', name, at });

it('a key with very many events is read once, then from there on, and is always what it is at that moment', async () => {
  const folds = new KeyFolds({ client } as Store);
  expect(await folds.read(terms.id)).toMatchObject({ hash: null, view: null });
  await write({ type: 'KeyCreated', ...terms, at });
  for (let n = 0; n < 2_500; n += 250) {
    await write(...Array.from({ length: 250 }, (_, more) => renamed(`name ${n + more}`)));
  }
  const { key_hash: hash } = terms;
  const from = jest.spyOn(client, 'readStream');
  const now = { hash, view: { name: 'name 2499', revoked_at: null } };
  expect(await folds.read(terms.id)).toMatchObject(now);
  expect(from.mock.calls[0]![1]).toMatchObject({ fromRevision: 'start' });
  from.mockClear();
  expect(await folds.read(terms.id)).toMatchObject(now);
  expect(from.mock.calls[0]![1]).toMatchObject({ fromRevision: 2_501n });
  await write({ type: 'KeyRevoked', at });
  expect(await folds.read(terms.id)).toMatchObject({ hash, view: { name: 'name 2499', revoked_at: at } });
});
