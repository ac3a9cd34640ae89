import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import type { EventStoreDBClient } from '#eventstore/client.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import type { SharedStack } from '#testing/stack.js';
import { Catalog } from '../apps/connection/src/catalog/catalog.js';
import { ConfiguredProviders } from '../apps/connection/src/configured-providers.js';
import { ConnectionFolds } from '../apps/connection/src/connection-folds.js';
import { Connections } from '../apps/connection/src/connections.service.js';
import { CredentialStorage } from '../apps/connection/src/credential-storage.js';
import { KnownConnections } from '../apps/connection/src/known-connections.js';
import { LostDeliveries } from '../apps/connection/src/lost-deliveries.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { Vault } from '../apps/connection/src/vault/vault.service.js';
import { WebhookDeliveries } from '../apps/connection/src/webhook-deliveries.js';
import { WebhookIntake } from '../apps/connection/src/webhook-intake.js';
import { WebhookSecrets } from '../apps/connection/src/webhook-secrets.js';
import { WebhookVerification } from '../apps/connection/src/webhook-verification.js';

interface Servers {
  events: EventStoreDBClient;
  database: DataSource;
}

/**
 * The intake of one more replica, in this process, on the event store and the database of the stack: it shares nothing else
 * with the one that runs there. Answers whether the delivery was a duplicate.
 */
export function intakeOf(stack: SharedStack, { events, database }: Servers) {
  const vault = new Vault(new KeyRing({ VAULT_KEK_FILE: join(stack.dataDir, 'secrets', 'vault.key') }), database);
  const store = { client: events, dataSource: database } as Store;
  const folds = new ConnectionFolds(store);
  const connections = new Connections(store, folds);
  const storage = new CredentialStorage(vault, database);
  const secrets = new WebhookSecrets(connections, storage, vault);
  const catalog = Catalog.from({ SANDBOX: true, SANDBOX_BANK_URL: stack.run().parts['sandbox-bank']!.url });
  const verification = new WebhookVerification(catalog, new ConfiguredProviders(), storage);
  const known = new KnownConnections(store, secrets, folds);
  const deliveries = new WebhookDeliveries(database);
  const intake = new WebhookIntake(known, verification, deliveries, new LostDeliveries(store, deliveries));
  return async (
    connection: string,
    server_id: string,
    { body, headers }: { body: string; headers: Record<string, string> },
  ): Promise<boolean> => {
    const context = contextFor(newTenant(), { type: 'provider', id: server_id, name: server_id });
    const delivery = { headers, query: {}, body: Buffer.from(body).toString('base64') };
    const id = parsePlatformConnectionId(connection)!;
    const { duplicate } = await intake.take(id, { context, server_id, delivery, sealed: 'another replica' });
    return duplicate;
  };
}
