import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import type { ConfiguredProviders } from './configured-providers.js';
import { ConnectionFolds } from './connection-folds.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import type { CredentialAccesses } from './credential-accesses.js';
import { Credentials } from './credentials.service.js';
import { LeaveProvider } from './leave-provider.js';
import { ProviderError } from './providers/provider.js';
import { RemoveConnection } from './remove-connection.js';
import type { Vault } from './vault/vault.service.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';

const tenant = newTenant();
const bank = { ...tenant, id: 'c', short_id: 'abcdefgh', user_id: 'u', session_id: 's', provider: 'plaid' };
let clock: number;
/** What the vault answers, and the provider; null where it is not set up. */
let read: () => Promise<string | null>;
let provider: { remove: () => Promise<void> } | null;
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
  [read, provider] = [() => Promise.resolve('token'), { remove: slowly }];
  const destroyAllIn = (_: unknown, id: string) => Promise.resolve(rows.delete(id));
  const vault = { destroyAllIn, read: () => read() } as unknown as Vault;
  const storage = new CredentialStorage(vault, { createQueryRunner: () => runner } as unknown as DataSource);
  const accesses = { record: unlessEnded };
  const leaving = new LeaveProvider(new Credentials(accesses as unknown as CredentialAccesses, vault), {
    find: () => provider,
  } as unknown as ConfiguredProviders);
  removing = new RemoveConnection(connections, leaving, storage, { forget: none } as unknown as WebhookDeliveries);
});
afterEach(() => void jest.restoreAllMocks());

const none = () => Promise.resolve();
/** Longer than the caller waits. */
const slowly = () => Promise.resolve(void (clock += 7_000));
const unlessEnded = async () => {
  const connection = await connections.read(tenant, 'c');
  if (connection.state === 'revoked') throw new DomainError('CONNECTION_DISCONNECTED');
  return connection;
};
const types = () => events.streams.get('connection-c')!.map(({ type }) => type);

it('what a bank took long to remove is over here, too', async () => {
  const connection = await connections.read(tenant, 'c');
  expect((await removing.run(contextFor(tenant), connection)).view.state).toBe('revoked');
  expect([types(), rows.size]).toEqual([['ConnectionLinked', 'ConnectionDisconnected'], 0]);
});

it('a connection that is deleted loses its credential, too, however long the bank took', async () => {
  await removing.delete(contextFor(tenant), await connections.read(tenant, 'c'));
  expect([types(), rows.size]).toEqual([['ConnectionLinked', 'ConnectionDeleted'], 0]);
});

describe('a bank that somebody else ends at the same moment', () => {
  /** What the caller has read is of before. */
  const endedMeanwhile = async () => {
    const connection = await connections.read(tenant, 'c');
    await removing.run(contextFor(tenant), connection);
    provider = { remove: () => Promise.reject(new Error('nothing is left to be removed')) };
    return connection;
  };

  it('is over for both', async () => {
    const { view, decided } = await removing.run(contextFor(tenant), await endedMeanwhile());
    expect([view.state, decided]).toEqual(['revoked', []]);
  });

  it('can be deleted all the same', async () => {
    await removing.delete(contextFor(tenant), await endedMeanwhile());
    expect(types().at(-1)).toBe('ConnectionDeleted');
  });
});

describe('a bank whose login nobody can remove', () => {
  beforeEach(() => void jest.spyOn(logger, 'warn').mockImplementation(() => undefined));

  it.each<[string, () => void]>([
    ['as its provider is not set up any more', () => void (provider = null)],
    ['as the vault does not have its credential', () => void (read = () => Promise.resolve(null))],
  ])('is ended here, %s, and the log says so', async (_why, isSo) => {
    isSo();
    expect((await removing.run(contextFor(tenant), await connections.read(tenant, 'c'))).view.state).toBe('revoked');
    expect([types(), rows.size]).toEqual([['ConnectionLinked', 'ConnectionDisconnected'], 0]);
    expect(logger.warn).toHaveBeenCalledWith(expect.objectContaining({ connection_id: 'c', provider: 'plaid' }), LEFT);
  });

  const away = () => Promise.reject(new ProviderError('INTERNAL_SERVER_ERROR', { retryable: true }));
  it.each<[string, string, () => void]>([
    ['UNAVAILABLE', 'its provider is away', () => void (provider = { remove: away })],
    ['VAULT_UNAVAILABLE', 'the vault has not the key', () => void (read = keyless)],
    ['ECONNREFUSED', 'the vault is away', () => void (read = unreachable)],
  ])('stays as it is (%s) while %s', async (code, _why, isSo) => {
    isSo();
    const ending = removing.run(contextFor(tenant), await connections.read(tenant, 'c'));
    await expect(ending).rejects.toMatchObject({ code });
    expect([types(), rows.size]).toEqual([['ConnectionLinked'], 1]);
  });
});

const LEFT = 'a login stays at its provider';
const keyless = () => Promise.reject(new DomainError('VAULT_UNAVAILABLE'));
const unreachable = () => Promise.reject(Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' }));
