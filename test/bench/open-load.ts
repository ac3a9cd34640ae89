import { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { type Context, newContext } from '#contracts/envelope.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { connectEventStore } from '#eventstore/client.js';
import type { Store } from '#service/store.js';
import { ConnectionFolds } from '../../apps/connection/src/connection-folds.js';
import { Connections } from '../../apps/connection/src/connections.service.js';
import { CredentialAccesses } from '../../apps/connection/src/credential-accesses.js';
import { CredentialStorage } from '../../apps/connection/src/credential-storage.js';
import { Credentials } from '../../apps/connection/src/credentials.service.js';
import { KnownConnections } from '../../apps/connection/src/known-connections.js';
import { KeyRing } from '../../apps/connection/src/vault/key-ring.js';
import { Vault } from '../../apps/connection/src/vault/vault.service.js';
import { WebhookSecrets } from '../../apps/connection/src/webhook-secrets.js';
import { closedLoop, type Stretch } from './figures.js';
import { serveJobs } from './worker.js';

export interface Opening {
  eventstoreUrl: string;
  database: string;
  vaultKeyFile: string;
  /** Of connections, opened in turn. */
  ids: string[];
}

/** As many connections to the database as a service has. */
const POOL = 12;

let credentials: Credentials;
let views: ConnectionView[];
let next = 0;

serveJobs({
  async open({ eventstoreUrl, database, vaultKeyFile, ids }: Opening) {
    const dataSource = new DataSource({ type: 'postgres', url: database, poolSize: POOL });
    await dataSource.initialize();
    const client = connectEventStore(eventstoreUrl);
    const store = { client, dataSource } as Store;
    const folds = new ConnectionFolds(store);
    const connections = new Connections(store, folds);
    const vault = new Vault(new KeyRing({ VAULT_KEK_FILE: vaultKeyFile }), dataSource);
    const secrets = new WebhookSecrets(connections, new CredentialStorage(vault, dataSource), vault);
    credentials = new Credentials(new CredentialAccesses(new KnownConnections(store, secrets, folds)), vault);
    views = [];
    for (const id of ids) views.push((await connections.find(parsePlatformConnectionId(id)!))!);
  },
  credentials: (stretch: Stretch) =>
    closedLoop(stretch, async () => {
      const view = views[next++ % views.length]!;
      await credentials.openNamed(view, 'oauth_tokens', contextOf(view));
    }),
});

const contextOf = (view: ConnectionView): Context =>
  newContext(view, { type: 'system', id: 'bench', name: 'bench' }, 60_000);
