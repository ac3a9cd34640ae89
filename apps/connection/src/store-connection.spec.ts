import { beforeEach, expect, it } from '@jest/globals';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import { Catalog } from './catalog/catalog.js';
import { ConnectionFolds } from './connection-folds.js';
import { ConnectionSlots } from './connection-slots.js';
import { Connections } from './connections.service.js';
import type { CredentialStorage } from './credential-storage.js';
import { StoreConnection } from './store-connection.js';

const tenant = newTenant();
const elsewhere = newTenant();
const wish = { short_id: 'abcdefgh', server_id: 'stripe', user_id: null };
/** What the vault gives to the next secrets. */
let versions: number[];
/** What each of them is to be above of. */
let aboves: number[];
let events: MemoryStreams;
let connections: Connections;
let storing: StoreConnection;

beforeEach(() => {
  aboves = [];
  events = new MemoryStreams();
  const store = { client: events } as unknown as Store;
  connections = new Connections(store, new ConnectionFolds(store));
  const storage = {
    unseal: (sealed: string) => sealed,
    keep: async (
      _: object,
      { above }: { above: number },
      record: (version: number) => Promise<{ result: unknown }>,
    ) => {
      aboves.push(above);
      return (await record(versions.shift()!)).result;
    },
  } as unknown as CredentialStorage;
  const slots = new ConnectionSlots(store, connections);
  storing = new StoreConnection(Catalog.from({ SANDBOX: false }), storage, slots, connections);
});

const store = (context = contextFor(tenant)) => storing.run(context, { ...wish, sealed: '"sk"' });
const count = () => [...events.streams.values()].flat().length;

it('a wish that comes again is answered from the attempt that was recorded, and overtakes nobody', async () => {
  const [first, overtaken, own, foreign] = [1, 1, 2, 3];
  versions = [first, overtaken, own, foreign];
  const { view } = await store();
  const context = contextFor(tenant);
  expect(await store(context)).toMatchObject({ created: false, view: { credential_version: own } });
  await store();
  const before = count();
  const again = await store({ ...context, again: true });
  expect(again).toMatchObject({ created: false, repeated: true, view: { id: view.id, credential_version: foreign } });
  expect(again.decided).toMatchObject([{ type: 'CredentialRotated', credential_version: own }]);
  expect(count()).toBe(before);
});

it('a wish whose second attempt has created says so when it comes again, whoever stands there then', async () => {
  versions = [1, 2, 1, 1];
  await store(contextFor(elsewhere));
  const context = contextFor(tenant);
  const { view, created } = await store(context);
  expect([created, view.project_id, view.short_id === wish.short_id]).toEqual([true, tenant.project_id, false]);
  const revoke = { type: 'Disconnect', reason: 'requested', now: '2026-01-01T12:00:00.000Z' } as const;
  await connections.command(view.id, revoke, contextFor(tenant));
  const next = await storing.run(contextFor(tenant), { ...wish, short_id: 'stuvwxyz', sealed: '"sk"' });
  expect([next.created, next.view.id === view.id]).toEqual([true, false]);
  expect(await store({ ...context, again: true })).toMatchObject({ created: true, view: { id: view.id } });
  expect(versions).toEqual([]);
});

it('a wish that comes again, and of which nothing was recorded, comes true', async () => {
  versions = [1];
  expect(await store({ ...contextFor(tenant), again: true })).toMatchObject({ created: true });
});

it('a version is asked for above the one that lives, whatever the vault still has', async () => {
  versions = [3, 4];
  await store();
  await store();
  expect(aboves).toEqual([0, 3]);
});
