import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import type { DataSource } from 'typeorm';
import type { ConnectionCommand, ConnectionEvent } from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import { fold } from '#eventstore/decider.js';
import { project } from '#eventstore/projection.js';
import { connection } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';
import { CredentialStorage } from './credential-storage.js';
import type { Slot, Vault } from './vault/vault.service.js';

const now = '2026-01-01T12:00:00.000Z';
const tenant = { project_id: 'prj_1', environment: 'live' as const };
const slot: Slot = { ...tenant, connection_id: 'c-1', field: 'credential' };
const facts = { ...tenant, id: 'c-1', short_id: 'abcdefgh', server_id: 'asaas', auth_type: 'api_key' as const };

/** The process is gone: nothing after it happens, no clean-up either. */
class Crash extends Error {}

/** One connection and its vault, in memory. Each step may be the last, before or after it took effect. */
class World {
  events: ConnectionEvent[] = [];
  rows = new Map<number, string>();
  crashAt = Infinity;
  private steps = 0;

  private step(effect: () => void): void {
    if (++this.steps >= this.crashAt) throw new Crash();
    effect();
    if (++this.steps >= this.crashAt) throw new Crash();
  }

  private readonly vault = {
    putNext: (_: Slot, secret: string, above: number) => {
      const version = Math.max(above, ...this.rows.keys()) + 1;
      this.step(() => this.rows.set(version, secret));
      return Promise.resolve(version);
    },
    destroySettled: (_: Slot, version: number) => Promise.resolve(this.step(() => this.rows.delete(version))),
    destroyVersion: (_: Slot, version: number) => Promise.resolve(this.step(() => this.rows.delete(version))),
    destroyBefore: (_: Slot, version: number) =>
      Promise.resolve(this.step(() => [...this.rows.keys()].forEach((v) => v < version && this.rows.delete(v)))),
    destroyAll: () => Promise.resolve(this.step(() => this.rows.clear())),
    destroyAllIn: () =>
      Promise.resolve(this.step(() => [...this.rows.keys()].forEach((version) => this.pending.add(version)))),
  };

  /** What the transaction has destroyed so far: the rows that were there when it looked. */
  private readonly pending = new Set<number>();
  private readonly runner = {
    isTransactionActive: false,
    startTransaction: () => Promise.resolve(),
    commitTransaction: () =>
      Promise.resolve(this.step(() => this.pending.forEach((version) => this.rows.delete(version)))),
    release: () => Promise.resolve(this.pending.clear()),
  };

  readonly storage = new CredentialStorage(
    this.vault as unknown as Vault,
    { createQueryRunner: () => this.runner } as unknown as DataSource,
  );

  append(command: ConnectionCommand): void {
    const decided = connection.decide(command, fold(connection, this.events));
    this.step(() => this.events.push(...decided));
  }

  get view() {
    return project(connectionProjection, this.events);
  }

  /** As credentials.service.ts opens it. */
  open(): string | null {
    const { view } = this;
    if (!view || view.state === 'revoked') return null;
    return this.rows.get(view.credential_version!) ?? null;
  }

  begin(crashAt: number): void {
    this.steps = 0;
    this.crashAt = crashAt;
  }

  async sweep(): Promise<void> {
    this.begin(Infinity);
    for (const version of [...this.rows.keys()]) await this.storage.destroyUnlessNamed({ ...slot, version }, this.view);
    if (this.view?.state === 'revoked') this.rows.clear();
  }
}

const wishes = {
  store: (world: World, secret: string) =>
    world.storage.keep(slot, { secret, above: world.view?.credential_version ?? 0 }, (version) => {
      const terms = { user_id: null, cert_metadata: {}, credential_version: version };
      world.append({ type: 'StoreCredential', ...facts, ...terms, now });
      return Promise.resolve({ result: undefined, version });
    }),
  /** As token-store.ts records what a provider has given. */
  refresh: (world: World, secret: string) => {
    const from_version = world.view?.credential_version ?? 0;
    return world.storage.keep(slot, { secret, above: from_version }, (version) => {
      const versions = { from_version, credential_version: version };
      world.append({ type: 'RecordRefresh', ...versions, token_refresh_at: null, now });
      return Promise.resolve({ result: undefined, version });
    });
  },
  expire: (world: World) =>
    Promise.resolve().then(() => world.append({ type: 'Expire', version: world.view?.credential_version ?? 0, now })),
  revoke: (world: World) =>
    world.storage.destroyWith('c-1', Infinity, () =>
      Promise.resolve(world.append({ type: 'Disconnect', reason: 'requested', now })),
    ),
  delete: (world: World) =>
    world.storage.destroyWith('c-1', Infinity, () => Promise.resolve(world.append({ type: 'Delete', now }))),
};

describe('a connection and its vault', () => {
  it('agree after any wishes, each of which may end in a crash at any step', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            wish: fc.constantFrom<keyof typeof wishes>(
              'store',
              'store',
              'refresh',
              'refresh',
              'expire',
              'revoke',
              'delete',
            ),
            crashAt: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 8 })),
            sweep: fc.boolean(),
          }),
          { maxLength: 8 },
        ),
        async (course) => {
          const world = new World();
          for (const [n, { wish, crashAt, sweep }] of course.entries()) {
            const before = { secret: world.open(), events: world.events.length };
            world.begin(crashAt);
            const outcome = await wishes[wish](world, `secret ${n}`).catch((error: unknown) => {
              if (!(error instanceof Crash) && !(error instanceof DomainError)) throw error;
              return error;
            });
            const happened = world.events.length > before.events;
            const { view } = world;
            const isLive = view !== null && view.state !== 'revoked';
            // A live one opens: to the new secret if and only if the event is there, which an expiry does not bring. What
            // is over never opens.
            const expected = !isLive ? null : happened && wish !== 'expire' ? `secret ${n}` : before.secret;
            assert.equal(world.open(), expected);
            if (sweep) await world.sweep();
            assert.equal(world.open(), expected);
            if (outcome === undefined && !isLive) assert.equal(world.rows.size, 0);
            if (sweep) assert.equal(world.rows.size, isLive ? 1 : 0);
          }
        },
      ),
      { numRuns: 2_000 },
    ));

  it.each(['Disconnect', 'Delete'] as const)('hold nothing after a %s that a rotation came before', async (type) => {
    const world = new World();
    await wishes.store(world, 'first');
    await world.storage.destroyWith('c-1', Infinity, async () => {
      await wishes.store(world, 'second');
      world.append(type === 'Delete' ? { type, now } : { type, reason: 'requested', now });
    });
    assert.deepEqual([world.open(), world.rows.size], [null, 0]);
  });

  it.each(['store', 'refresh'] as const)('agree after a %s where the rows are older than the events', async (wish) => {
    const world = new World();
    for (const secret of ['one', 'two', 'three']) await wishes.store(world, secret);
    world.rows = new Map([[1, 'one']]);
    assert.equal(world.open(), null);
    await wishes[wish](world, 'new');
    assert.deepEqual([world.open(), world.rows.size], ['new', 1]);
  });

  it('are not ended by a request that has waited for its turn too long', () =>
    assert.rejects(
      new World().storage.destroyWith('c-1', Date.now(), () => assert.fail('it has ended')),
      { code: 'REVOKE_FAILED' },
    ));
});
