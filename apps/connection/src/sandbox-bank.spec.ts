import { expect, it } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import type { Store } from '#service/store.js';
import type { ConfiguredProviders } from './configured-providers.js';
import type { ConnectionQueries } from './connection-queries.js';
import type { Connections } from './connections.service.js';
import type { Credentials } from './credentials.service.js';
import { ProviderError } from './providers/provider.js';
import { SandboxBank } from './sandbox-bank.js';

const connections = { read: () => Promise.resolve({ id: 'c', provider: 'plaid' }) } as unknown as Connections;
const credentials = { open: () => Promise.resolve('access') } as unknown as Credentials;
const bankThat = (error: Error) => {
  const providers = { get: () => ({ resetLogin: () => Promise.reject(error) }) } as unknown as ConfiguredProviders;
  return new SandboxBank(connections, credentials, providers, {} as ConnectionQueries, {} as Store);
};

it.each([
  [false, 'PROVIDER_ERROR'],
  [true, 'UNAVAILABLE'],
])('a sandbox bank that fails is no bug of ours (try again: %s): %s', async (retryable, code) => {
  const bank = bankThat(new ProviderError('ITEM_NOT_FOUND', { retryable }));
  await expect(bank.requireLogin({} as Context, 'c')).rejects.toMatchObject({ code });
});
