import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Actor, Tenant } from '#contracts/envelope.js';
import type { KeyTerms, KeyView } from '#contracts/key.js';
import { LEASE_MS, LEASE_RENEW_MS } from '#contracts/key-lease.js';
import { keyIdentity, newHouseholdKey, newPlatformKey } from '#contracts/secrets.js';
import type { Bus } from '#service/bus.js';
import { until } from '#testing/api.js';
import { connectAs, contextFor, newTenant } from '#testing/callers.js';
import { sharedStack } from '#testing/stack.js';
import { query } from './chaos/invariants.js';

let bus: Bus;

beforeAll(async () => {
  bus = await connectAs('gateway', sharedStack().run());
});

afterAll(() => bus.onApplicationShutdown());

const termsOf = (tenant: Tenant, changes: Partial<KeyTerms> = {}): KeyTerms => ({
  ...keyIdentity(newHouseholdKey()),
  ...tenant,
  kind: 'household',
  name: 'agent',
  scopes: ['full_access'],
  actor_name: null,
  created_by: 'a test',
  expires_at: null,
  ...changes,
});

async function create(tenant: Tenant, changes: Partial<KeyTerms> = {}): Promise<KeyView> {
  const { view } = await bus.ask('key.create', { context: contextFor(tenant), terms: termsOf(tenant, changes) });
  return view;
}

const actorOf = ({ id, name }: KeyView): Actor => ({ type: 'api_key', id, name });

describe('an API key', () => {
  it('is verified from the moment its creation is answered, and shown by get and list', async () => {
    const tenant = newTenant();
    const terms = termsOf(tenant);
    const { view } = await bus.ask('key.create', { context: contextFor(tenant), terms });
    const [verified] = await bus.ask('key.verify', { key_hashes: [terms.key_hash] });
    expect(verified).toEqual({
      id: terms.id,
      ...tenant,
      kind: 'household',
      name: 'agent',
      key_prefix: terms.key_prefix,
      scopes: ['full_access'],
      actor_name: null,
      allowed_ips: [],
      expires_at: null,
      retires_at: null,
      revoked_at: null,
    });
    expect(view).not.toHaveProperty('key_hash');
    const shown = { ...view, last_used_at: null };
    expect(await bus.ask('key.get', { context: contextFor(tenant), id: terms.id })).toEqual(shown);
    expect(await bus.ask('key.get', { context: contextFor(tenant), id: terms.short_id })).toEqual(shown);
    const { items } = await bus.ask('key.list', { context: contextFor(tenant), limit: 50 });
    expect(items).toEqual([shown]);
  });

  it('is known by its row when nothing else tells that it was made, as those are that are older than such a note', async () => {
    const tenant = newTenant();
    const terms = termsOf(tenant);
    await bus.ask('key.create', { context: contextFor(tenant), terms });
    await query(sharedStack().run().databases['key']!, `delete from begun_keys where id = '${terms.id}'`);
    expect(await bus.ask('key.verify', { key_hashes: [terms.key_hash] })).toMatchObject([{ id: terms.id }]);
  });

  it('is nothing when its hash is unknown', async () => {
    expect(await bus.ask('key.verify', { key_hashes: ['a'.repeat(64), '../x'] })).toEqual([null, null]);
  });

  it('is created once, however often the same terms arrive', async () => {
    const tenant = newTenant();
    const terms = termsOf(tenant);
    const twice = [1, 2].map(() => bus.ask('key.create', { context: contextFor(tenant), terms }));
    const [one, two] = await Promise.all(twice);
    expect(two!.view).toEqual(one!.view);
    expect(two!.position).toEqual(one!.position);
  });

  it('refuses an id that another key has', async () => {
    const tenant = newTenant();
    const { id, short_id } = await create(tenant);
    const terms = { ...termsOf(tenant), id, short_id };
    await expect(bus.ask('key.create', { context: contextFor(tenant), terms })).rejects.toMatchObject({
      code: 'ID_TAKEN',
    });
  });

  it('is listed newest first, page by page', async () => {
    const tenant = newTenant();
    const made = [];
    for (let n = 0; n < 5; n++) made.unshift(await create(tenant, { name: `agent ${n}` }));
    const first = await bus.ask('key.list', { context: contextFor(tenant), limit: 3 });
    const second = await bus.ask('key.list', {
      context: contextFor(tenant),
      limit: 3,
      cursor: first.next_cursor!,
    });
    expect(first.items).toHaveLength(3);
    expect(second.next_cursor).toBeNull();
    expect([...first.items, ...second.items].map((key) => key.name)).toEqual(made.map((key) => key.name));
    const bad = bus.ask('key.list', { context: contextFor(tenant), limit: 3, cursor: 'bogus' });
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
  });

  it('can be listed by its kind', async () => {
    const tenant = newTenant();
    await create(tenant);
    const platform = keyIdentity(newPlatformKey('live'));
    await create(tenant, { ...platform, kind: 'platform', scopes: ['keys:write'] });
    const { items } = await bus.ask('key.list', { context: contextFor(tenant), kind: 'platform', limit: 9 });
    expect(items.map((key) => key.id)).toEqual([platform.id]);
  });

  it('of the household is live, and not made in test', async () => {
    const tenant = newTenant('test');
    await expect(create(tenant)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringMatching(/are live.*csk_test_/),
    });
    expect((await bus.ask('key.list', { context: contextFor(tenant), limit: 9 })).items).toEqual([]);
  });

  it('does not exist for another tenant', async () => {
    const tenant = newTenant();
    const { id } = await create(tenant);
    for (const stranger of [newTenant(), { ...tenant, environment: 'test' as const }]) {
      const context = contextFor(stranger);
      await expect(bus.ask('key.get', { context, id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(bus.ask('key.revoke', { context, id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await bus.ask('key.list', { context, limit: 9 })).items).toEqual([]);
    }
    expect(await bus.ask('key.get', { context: contextFor(tenant), id })).toMatchObject({ revoked_at: null });
  });

  it.each([randomUUID(), 'nosuchid', 'x', '', "' or 1=1"])('is not found under %j', async (id) => {
    const context = contextFor(newTenant());
    await expect(bus.ask('key.get', { context, id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(bus.ask('key.revoke', { context, id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

it('rotating makes a key of the household, and therefore only of one', async () => {
  const tenant = newTenant();
  const platform = {
    ...keyIdentity(newPlatformKey('live')),
    kind: 'platform' as const,
    scopes: ['keys:write' as const],
  };
  const { id } = await create(tenant, platform);
  const wish = { id, successor: keyIdentity(newHouseholdKey()), grace_seconds: 0 };
  await expect(bus.ask('key.rotate', { context: contextFor(tenant), ...wish })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

describe('revoking a key', () => {
  it('is a success once and again, and the list shows it', async () => {
    const tenant = newTenant();
    const terms = termsOf(tenant);
    await bus.ask('key.create', { context: contextFor(tenant), terms });
    const first = await bus.ask('key.revoke', { context: contextFor(tenant), id: terms.id });
    expect(first.view.revoked_at).not.toBeNull();
    const { revoked_at } = first.view;
    expect(await bus.ask('key.verify', { key_hashes: [terms.key_hash] })).toMatchObject([{ revoked_at }]);
    const { items } = await bus.ask('key.list', { context: contextFor(tenant), limit: 9 });
    expect(items).toEqual([{ ...first.view, last_used_at: null }]);
    expect(await bus.ask('key.revoke', { context: contextFor(tenant), id: terms.id })).toEqual(first);
  });

  it('is refused to the last full_access key itself, and allowed to anybody else', async () => {
    const tenant = newTenant();
    const key = await create(tenant);
    await create(tenant, { scopes: ['read_only'] });
    await create(tenant, { expires_at: new Date(Date.now() - 1).toISOString() });
    const itself = contextFor(tenant, actorOf(key));
    await expect(bus.ask('key.revoke', { context: itself, id: key.id })).rejects.toMatchObject({
      code: 'LAST_ADMIN_KEY',
    });
    const { view } = await bus.ask('key.revoke', { context: contextFor(tenant), id: key.id });
    expect(view.revoked_at).not.toBeNull();
  });

  it('leaves one of two last keys that revoke themselves at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const tenant = newTenant();
      const keys = [await create(tenant), await create(tenant)];
      const ends = await Promise.allSettled(
        keys.map((key) => bus.ask('key.revoke', { context: contextFor(tenant, actorOf(key)), id: key.id })),
      );
      const refused = ends.filter((end) => end.status === 'rejected').map((end): unknown => end.reason);
      expect(refused).toEqual([expect.objectContaining({ code: 'LAST_ADMIN_KEY' })]);
    }
  });

  it('keeps nobody else waiting while many are refused at once', async () => {
    const tenant = newTenant();
    const key = await create(tenant);
    const revoke = () => bus.ask('key.revoke', { context: contextFor(tenant, actorOf(key)), id: key.id });
    const refused = await Promise.allSettled(Array.from({ length: 30 }, revoke));
    const codes = refused.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : null));
    expect(codes).toEqual(codes.map(() => 'LAST_ADMIN_KEY'));
  });

  it('is allowed to a platform key itself', async () => {
    const tenant = newTenant();
    const key = await create(tenant, {
      ...keyIdentity(newPlatformKey('live')),
      kind: 'platform',
      scopes: ['keys:write'],
    });
    const { view } = await bus.ask('key.revoke', { context: contextFor(tenant, actorOf(key)), id: key.id });
    expect(view.revoked_at).not.toBeNull();
  });
});

describe('the announcement of a revocation', () => {
  it('is awaited from every gateway that holds a lease', async () => {
    const tenant = newTenant();
    const key = await create(tenant);
    const gateway = await gatewayThat({ answersAfterMs: 400 });
    const start = performance.now();
    await bus.ask('key.revoke', { context: contextFor(tenant), id: key.id });
    const took = performance.now() - start;
    gateway.stop();
    expect(gateway.told).toContain(key.id);
    expect(took).toBeGreaterThanOrEqual(400);
    expect(took).toBeLessThan(LEASE_MS);
  });

  it('is given up when a gateway is silent for as long as its lease', async () => {
    const tenant = newTenant();
    const key = await create(tenant);
    const gateway = await gatewayThat({ answersAfterMs: null });
    const start = performance.now();
    await bus.ask('key.revoke', { context: contextFor(tenant), id: key.id });
    const took = performance.now() - start;
    gateway.stop();
    expect(took).toBeGreaterThanOrEqual(LEASE_MS - 5);
    expect(took).toBeLessThan(LEASE_MS + 1_000);
    // Other suites of this stack end gateways, too.
    const revokeAnother = async () => {
      const another = await create(tenant);
      const later = performance.now();
      await bus.ask('key.revoke', { context: contextFor(tenant), id: another.id });
      return performance.now() - later;
    };
    await until(revokeAnother, (ms) => ms < 500, 20_000);
  });
});

/** A gateway of the test: asks for leases and hears of dead keys; null never answers. */
async function gatewayThat({ answersAfterMs }: { answersAfterMs: number | null }) {
  const gateway_id = randomUUID();
  const told: string[] = [];
  const own = await connectAs('gateway', sharedStack().run());
  own.listen('gateway.key-changed', ({ key_id, change_id }, answer) => {
    told.push(key_id);
    if (answersAfterMs !== null) setTimeout(() => answer({ gateway_id, change_id }), answersAfterMs);
  });
  const granted = new Promise<void>((resolve) => void renew(resolve));
  const timer = setInterval(() => void renew(() => undefined), LEASE_RENEW_MS);
  async function renew(onGrant: () => void) {
    const asking = await own.broadcast('key.lease', { gateway_id }, onGrant);
    setTimeout(() => asking.stop(), LEASE_RENEW_MS);
  }
  await granted;
  return {
    told,
    stop() {
      clearInterval(timer);
      void own.onApplicationShutdown();
    },
  };
}
