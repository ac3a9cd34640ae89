import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ConnectionView } from '#contracts/connection.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import { ConnectionFolds } from './connection-folds.js';
import { CredentialAccesses } from './credential-accesses.js';
import { Credentials } from './credentials.service.js';
import { KnownConnections } from './known-connections.js';
import type { Vault } from './vault/vault.service.js';
import type { WebhookSecrets } from './webhook-secrets.js';

const tenant = newTenant();
const created = { ...tenant, id: 'c', short_id: 'abcdefgh', server_id: 'asaas', auth_type: 'api_key', user_id: 'u' };
/** Whatever does not wait is over before. */
const later = () => new Promise<void>((go) => void setImmediate(go));

class SlowStreams extends MemoryStreams {
  appends = 0;
  /** Goes before each append. */
  before = later;

  override async appendToStream(...wish: Parameters<MemoryStreams['appendToStream']>) {
    this.appends++;
    await this.before();
    return super.appendToStream(...wish);
  }
}

let events: SlowStreams;
/** Which version was read in the vault, and how many events the stream had then. */
let reads: { version: number | undefined; after: number }[];
let credentials: Credentials;

beforeEach(() => {
  events = new SlowStreams();
  events.streams.set('connection-c', [
    { id: '0', type: 'ConnectionCreated', data: { ...created, credential_version: 1, connection_metadata: {} } },
  ]);
  const store = { client: events } as unknown as Store;
  const known = new KnownConnections(store, {} as WebhookSecrets, new ConnectionFolds(store));
  reads = [];
  const read = (_slot: unknown, version?: number) => {
    reads.push({ version, after: stream().length });
    return Promise.resolve('secret');
  };
  credentials = new Credentials(new CredentialAccesses(known), { read } as unknown as Vault);
});

const stream = () => events.streams.get('connection-c')!;
const types = () => stream().map(({ type }) => type);
const open = (deadline = Date.now() + 5_000) =>
  credentials.open({ id: 'c' } as ConnectionView, 'relink', { ...contextFor(tenant), deadline });
/** Another replica writes what this one does not know of. */
const meanwhile = (type: string, data = {}) =>
  void events.streams.set('connection-c', [...stream(), { id: 'x', type, data }]);

it('a credential is read once its access is on record (I15)', async () => {
  expect(await open()).toBe('secret');
  expect(types()).toEqual(['ConnectionCreated', 'CredentialAccessed']);
  expect(reads).toEqual([{ version: 1, after: 2 }]);
});

it('where the access cannot be recorded, nothing is read', async () => {
  events.before = () => Promise.reject(new Error('the event store is away'));
  await expect(open(Date.now() + 40)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect([types(), reads]).toEqual([['ConnectionCreated'], []]);
});

describe('where the connection has moved on since it was known', () => {
  beforeEach(async () => {
    await open();
    [reads, events.appends] = [[], 0];
  });

  it('the access is recorded at the new revision, and what is read is what stands there', async () => {
    meanwhile('CredentialRotated', { credential_version: 2, cert_metadata: {} });
    expect(await open()).toBe('secret');
    expect(types().slice(2)).toEqual(['CredentialRotated', 'CredentialAccessed']);
    expect([events.appends, reads]).toEqual([2, [{ version: 2, after: 4 }]]);
  });

  it('again before each try, the opening is refused, to be tried again', async () => {
    events.before = () => Promise.resolve(meanwhile('WebhookReceived'));
    await expect(open()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([events.appends, reads]).toEqual([10, []]);
  });

  it.each([
    ['ConnectionDisconnected', 'CONNECTION_DISCONNECTED'],
    ['ConnectionDeleted', 'NOT_FOUND'],
  ])('to %s, the opening is refused and nothing read', async (type, code) => {
    meanwhile(type);
    await expect(open()).rejects.toMatchObject({ code });
    expect([types().slice(2), reads]).toEqual([[type], []]);
  });
});

it('of several that wait at once each is on record, those behind the first in one append', async () => {
  await Promise.all(Array.from({ length: 6 }, () => open()));
  const accesses = stream().filter(({ type }) => type === 'CredentialAccessed');
  expect([accesses.length, new Set(accesses.map(({ id }) => id)).size, events.appends]).toEqual([6, 6, 2]);
  expect(reads.map(({ after }) => after)).toEqual([2, 7, 7, 7, 7, 7]);
});
