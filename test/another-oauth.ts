import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { defaultTenant, personAtLink } from '#contracts/envelope.js';
import type { EventStoreDBClient } from '#eventstore/client.js';
import type { Store } from '#service/store.js';
import { contextFor } from '#testing/callers.js';
import type { SharedStack } from '#testing/stack.js';
import { Catalog } from '../apps/connection/src/catalog/catalog.js';
import { ConnectionFolds } from '../apps/connection/src/connection-folds.js';
import { Connections } from '../apps/connection/src/connections.service.js';
import { CredentialAccesses } from '../apps/connection/src/credential-accesses.js';
import { CredentialStorage } from '../apps/connection/src/credential-storage.js';
import { Credentials } from '../apps/connection/src/credentials.service.js';
import { KnownConnections } from '../apps/connection/src/known-connections.js';
import { clientOf, sandboxClients } from '../apps/connection/src/oauth/clients.js';
import { LinkRecord } from '../apps/connection/src/oauth/link-record.js';
import { type LinkStates, takeLink } from '../apps/connection/src/oauth/link-state.js';
import { LinkTable } from '../apps/connection/src/oauth/link-table.js';
import type { OAuthClients } from '../apps/connection/src/oauth/oauth-clients.js';
import { OAuthTokens } from '../apps/connection/src/oauth/oauth-tokens.js';
import { ConnectionTokens } from '../apps/connection/src/oauth/token-store.js';
import { TokenTable } from '../apps/connection/src/oauth/token-table.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { Vault } from '../apps/connection/src/vault/vault.service.js';
import { WebhookSecrets } from '../apps/connection/src/webhook-secrets.js';

interface Servers {
  events: EventStoreDBClient;
  database: DataSource;
}

/** Who comes back with a link. */
const person = personAtLink('connect_link');

/** As if its process ended at that moment. */
class DyingTable extends TokenTable {
  override async keepRefreshed(...kept: Parameters<TokenTable['keepRefreshed']>): Promise<void> {
    await super.keepRefreshed(...kept);
    throw new Error('died');
  }
}

/** The keeper of OAuth tokens of one more replica, in this process, on the servers of the stack. */
export function anotherOAuth(stack: SharedStack, { events, database }: Servers, { dies = false } = {}) {
  const secret = (name: string) => join(stack.dataDir, 'secrets', name);
  const vault = new Vault(new KeyRing({ VAULT_KEK_FILE: secret('vault.key') }), database);
  const store = { client: events, dataSource: database } as Store;
  const folds = new ConnectionFolds(store);
  const connections = new Connections(store, folds);
  const catalog = Catalog.from({ SANDBOX: true, SANDBOX_BANK_URL: stack.run().parts['sandbox-bank']!.url });
  const SANDBOX_OAUTH_CLIENT_SECRET = readFileSync(secret('sandbox-oauth-client-secret'), 'utf8');
  const clients = {
    clients: sandboxClients({ SANDBOX: true, SANDBOX_OAUTH_CLIENT_SECRET }),
    isOfSandbox: (address: string) => catalog.isOfSandbox(address),
  };
  const table = dies ? new DyingTable(database, vault) : new TokenTable(database, vault);
  const storage = new CredentialStorage(vault, database);
  const known = new KnownConnections(store, new WebhookSecrets(connections, storage, vault), folds);
  const credentials = new Credentials(new CredentialAccesses(known), vault);
  const tokens = new ConnectionTokens(connections, credentials, storage, table);
  const registered = { of: (id: string) => clientOf(catalog.get(id), clients) } as OAuthClients;
  const links = new LinkTable(database, vault);
  const leave = (stateHash: string) =>
    database.query('update connect_links set leased_until = now() where state_hash = $1', [stateHash]);
  const take = async (serverId: string, parameters: URLSearchParams) => {
    const by = { serverId, context: contextFor(defaultTenant, person) };
    const states: Pick<LinkStates, 'take'> = { take: (hash, _serverId, read) => links.take(hash, by, read) };
    const codeFor = () => parameters.get('code');
    return (await takeLink(states, { state: parameters.get('state'), serverId, now: new Date(), codeFor }))!;
  };
  return Object.assign(new OAuthTokens(tokens, table, registered), {
    /** Takes the code of a callback, and gets no further. */
    async takesCodeAndDies(serverId: string, parameters: URLSearchParams): Promise<void> {
      await leave((await take(serverId, parameters)).stateHash);
    },
    /** Hears the person say no, and dies before or after that is on record. */
    async hearsNoAndDies(serverId: string, parameters: URLSearchParams, when: 'before' | 'after'): Promise<void> {
      const { stateHash } = await take(serverId, parameters);
      const ended = await links.end(stateHash, { type: 'RecordDenial' });
      if (when === 'after') await new LinkRecord(store).end(ended!, ended!.ending!);
      await leave(stateHash);
    },
  });
}
