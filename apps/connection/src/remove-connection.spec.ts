import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import type { ConfiguredProviders } from './configured-providers.js';
import { ConnectionFolds } from './connection-folds.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import type { Credentials } from './credentials.service.js';
import { LeaveProvider } from './leave-provider.js';
import { RemoveConnection } from './remove-connection.js';
import type { Vault } from './vault/vault.service.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';

const tenant = newTenant();
const bank = { ...tenant, id: 'c', short_id: 'abcdefgh', user_id: 'u', session_id: 's', provider: 'plaid' };
let clock: number;
let rows: Set<string>;
let events: MemoryStreams;
let connections: Connections;
let removing: RemoveConnection;

beforeEach(() => {
  clock = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
  rows = new Set(['c']);
  events = new MemoryStreams();
  events.streams.set('connection-c', [{ id: '0', type: 'ConnectionLinked', data: bank }]);
  const store = { client: events } as unknown as Store;
  connections = new Connections(store, new ConnectionFolds(store));
  const runner = { startTransaction: none, commitTransaction: none, release: none, isTransactionActive: false };
  const vault = { destroyAllIn: (_: unknown, id: string) => Promise.resolve(rows.delete(id)) } as unknown as Vault;
  const storage = new CredentialStorage(vault, { createQueryRunner: () => runner } as unknown as DataSource);
  const provider = new LeaveProvider(
    { open: () => Promise.resolve('token') } as unknown as Credentials,
    { get: () => ({ remove: slowly }) } as unknown as ConfiguredProviders,
  );
  removing = new RemoveConnection(connections, provider, storage, { forget: none } as unknown as WebhookDeliveries);
});
afterEach(() => void jest.restoreAllMocks());

const none = () => Promise.resolve();
/** Longer than the caller waits. */
const slowly = () => Promise.resolve(void (clock += 7_000));
const types = () => events.streams.get('connection-c')!.map(({ type }) => type);

it('what a bank took long to remove is over here, too', async () => {
  const connection = await connections.read(tenant, 'c');
  expect((await removing.run(contextFor(tenant), connection)).view.state).toBe('revoked');
  expect([types(), rows.size]).toEqual([['ConnectionLinked', 'ConnectionDisconnected'], 0]);
});

it('so is what is deleted', async () => {
  await removing.delete(contextFor(tenant), await connections.read(tenant, 'c'));
  expect([types(), rows.size]).toEqual([['ConnectionLinked', 'ConnectionDeleted'], 0]);
});
