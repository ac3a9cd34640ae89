import { beforeEach, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { Context } from '#contracts/envelope.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import { ConnectionFolds } from './connection-folds.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import type { Vault } from './vault/vault.service.js';
import { WebhookSecrets } from './webhook-secrets.js';

const tenant = newTenant();
const now = '2026-01-01T12:00:00.000Z';
const place = { ...tenant, id: 'c', short_id: 'abcdefgh', server_id: 'stripe', user_id: null };

/** The vault's rows, by version; whoever is to put one waits until so many are there. */
let rows: Map<number, string>;
let meet: () => Promise<void>;
let connections: Connections;
let secrets: WebhookSecrets;

const vault = {
  unseal: (sealed: string) => sealed,
  read: (_: object, version: number) => Promise.resolve(rows.get(version) ?? null),
  putNext: async (_: object, secret: string, above: number) => {
    await meet();
    const version = Math.max(above, ...rows.keys()) + 1;
    rows.set(version, secret);
    return version;
  },
  destroyVersion: (_: object, version: number) => Promise.resolve(void rows.delete(version)),
  destroyBefore: (_: object, version: number, except: number | null) => {
    for (const one of rows.keys()) if (one < version && one !== except) rows.delete(one);
    return Promise.resolve();
  },
} as unknown as Vault;

/** The first so many go on together. */
function meetingOf(many: number): () => Promise<void> {
  let letGo = () => {};
  const allThere = new Promise<void>((resolve) => void (letGo = resolve));
  let there = 0;
  return () => {
    if (++there >= many) letGo();
    return allThere;
  };
}

const set = async (sealed: string, grace_seconds: number, context: Context = contextFor(tenant)) =>
  secrets.set(context, await connections.readAny(tenant, 'c'), { sealed, grace_seconds });
const inForce = async () => (await secrets.inForce(await connections.readAny(tenant, 'c'))).map(({ secret }) => secret);

beforeEach(async () => {
  [rows, meet] = [new Map<number, string>(), () => Promise.resolve()];
  const store = { client: new MemoryStreams() } as unknown as Store;
  connections = new Connections(store, new ConnectionFolds(store));
  secrets = new WebhookSecrets(connections, new CredentialStorage(vault, {} as DataSource), vault);
  const terms = { auth_type: 'api_key', credential_version: 1, cert_metadata: {} } as const;
  await connections.command('c', { type: 'StoreCredential', ...place, ...terms, now }, contextFor(tenant));
  await set('old', 0);
});

it('a secret that comes again while it is being set leaves the one before its grace', async () => {
  meet = meetingOf(2);
  await Promise.all([set('new', 3_600), set('new', 3_600)]);
  expect([await inForce(), [...rows.values()].sort()]).toEqual([
    ['new', 'old'],
    ['new', 'old'],
  ]);
});

it('of two secrets that are set at the same moment, one follows the other', async () => {
  meet = meetingOf(2);
  await Promise.all([set('one', 3_600), set('other', 3_600)]);
  expect((await inForce()).sort()).toEqual(['one', 'other']);
});

it('a wish that comes again after another one was set changes nothing', async () => {
  const context = contextFor(tenant);
  await set('one', 3_600, context);
  await set('two', 3_600);
  await set('one', 3_600, context);
  expect(await inForce()).toEqual(['two', 'one']);
});

it('can be set again where the rows are older than the events', async () => {
  for (const secret of ['two', 'three']) await set(secret, 0);
  rows = new Map([[1, 'old']]);
  expect(await inForce()).toEqual([]);
  await set('new', 3_600);
  expect(await inForce()).toEqual(['new']);
});
