import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { connectEventStore } from '#eventstore/client.js';
import type { Store } from '#service/store.js';
import { Connections } from '../../apps/connection/src/connections.service.js';
import { Credentials } from '../../apps/connection/src/credentials.service.js';
import { KeyRing } from '../../apps/connection/src/vault/key-ring.js';
import { Vault } from '../../apps/connection/src/vault/vault.service.js';
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
    const connections = new Connections({ client, dataSource } as Store);
    credentials = new Credentials(connections, new Vault(new KeyRing({ VAULT_KEK_FILE: vaultKeyFile }), dataSource));
    views = [];
    for (const id of ids) views.push((await connections.find(parsePlatformConnectionId(id)!))!);
  },
  credentials: (stretch: Stretch) =>
    closedLoop(stretch, async () => {
      const view = views[next++ % views.length]!;
      await credentials.openNamed(view, 'oauth_tokens', contextOf(view));
    }),
});

const contextOf = ({ project_id, environment }: ConnectionView): Context => ({
  tenant: { project_id, environment },
  actor: { type: 'system', id: 'bench', name: 'bench' },
  request_id: randomUUID(),
  command_id: randomUUID(),
  address: null,
  key_prefix: null,
  deadline: Date.now() + 60_000,
});
