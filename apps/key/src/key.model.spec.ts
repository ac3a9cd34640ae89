import assert from 'node:assert/strict';
import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeyEvent } from '#contracts/key.js';
import { history, rules, type Rules, seconds, timeAt, World } from '../test/world.js';
import { apiKey } from './key.decider.js';
import { isLastingAdmin, keyAt } from './key.view.js';

const properties = {
  'revoked stays revoked, and nothing else about its end changes': (by: Rules) =>
    fc.property(history, (steps) => {
      new World(by, (_, before, after) => {
        if (before?.revoked_at) assert.equal(after.revoked_at, before.revoked_at);
        if (before?.retires_at) assert.equal(after.retires_at, before.retires_at);
        if (before?.successor_id) assert.equal(after.successor_id, before.successor_id);
        if (before) assert.equal(after.expires_at, before.expires_at);
      }).play(steps);
    }),

  'a rotated key ends with its grace, exactly, and never after its own expiry': (by: Rules) =>
    fc.property(history, seconds, (steps, at) => {
      new World(by, (_, before, after, event) => {
        if (event.type !== 'KeyRotated') return;
        assert.equal(before!.revoked_at, null);
        assert.ok(after.expires_at === null || (event.at < after.expires_at && after.retires_at! <= after.expires_at));
      })
        .play(steps)
        .keys()
        .filter(({ retires_at }) => retires_at !== null)
        .forEach((rotated) => {
          const isDead = keyAt(rotated, timeAt(at)).revoked_at !== null;
          assert.equal(isDead, rotated.revoked_at !== null || rotated.retires_at! <= timeAt(at));
          assert.ok(rotated.revoked_at === null || rotated.revoked_at <= rotated.retires_at!);
        });
    }),

  'both effects of a rotation come about in the end, and the successor is what the old key was': (by: Rules) =>
    fc.property(history, (steps) => {
      const world = new World(by, (_, before, __, event) => {
        if (event.type !== 'KeyRotated') return;
        const { name, scopes, allowed_ips, actor_name, expires_at } = before!;
        const { successor } = event;
        assert.deepEqual({ ...successor, name, scopes, allowed_ips, actor_name, expires_at }, successor);
      }).play(steps);
      const theEnd = timeAt(1_000_000);
      world.sweep(theEnd);
      world.sweep(theEnd);
      for (const { successor_id, revoked_at } of world.keys()) {
        assert.ok(successor_id === null || (world.streams.has(successor_id) && revoked_at !== null));
      }
    }),

  'keys that only rotate and revoke themselves leave one that may do everything': (by: Rules) =>
    fc.property(history, (steps) => {
      const lasting = (world: World) =>
        world.keys().some((one) => isLastingAdmin(one, timeAt(0))) ||
        world.keys().some(({ successor_id }) => successor_id !== null && !world.streams.has(successor_id));
      new World(by, (world) => assert.ok(lasting(world), 'nobody can manage keys any more')).play(
        steps
          .filter((step) => step.do !== 'revoke' || step.by === 'itself')
          .map((step) => (step.do === 'create' ? { ...step, expiresIn: null } : step)),
      );
    }),

  'every repeat of the whole history changes nothing that has ended': (by: Rules) =>
    fc.property(history, (steps) => {
      const world = new World(by).play(steps);
      const ended = world.keys().filter(({ revoked_at }) => revoked_at !== null);
      world.play(steps.filter((step) => step.do !== 'rename'));
      for (const before of ended) {
        const after = world.keys().find(({ id }) => id === before.id);
        assert.deepEqual(after, before);
      }
    }),
} satisfies Record<string, (by: Rules) => fc.IProperty<unknown>>;

/** What a mistake in the rules would look like, and which property must find it. */
const mistakes: [string, Partial<Rules>, keyof typeof properties][] = [
  [
    'a revocation that a rotated key forgets',
    { decider: { ...apiKey, evolve: (state, event) => (isLate(state, event) ? state : apiKey.evolve(state, event)) } },
    'revoked stays revoked, and nothing else about its end changes',
  ],
  [
    'a grace that outlives the key',
    {
      decider: {
        ...apiKey,
        decide: (command, state) =>
          apiKey
            .decide(command, state)
            .map((event) => (event.type === 'KeyRotated' ? { ...event, retires_at: timeAt(5_000) } : event)),
      },
    },
    'a rotated key ends with its grace, exactly, and never after its own expiry',
  ],
  [
    'a successor without the addresses',
    {
      decider: {
        ...apiKey,
        evolve: (state, event) =>
          apiKey.evolve(state, event.type === 'KeyCreated' ? { ...event, allowed_ips: [] } : event),
      },
    },
    'both effects of a rotation come about in the end, and the successor is what the old key was',
  ],
  [
    'a key on its way out that counts as the one that stays',
    { isLastingAdmin: (one, now) => isLastingAdmin({ ...one, successor_id: null }, now) },
    'keys that only rotate and revoke themselves leave one that may do everything',
  ],
];

const isLate = (state: ReturnType<typeof apiKey.evolve>, event: KeyEvent): boolean =>
  event.type === 'KeyRevoked' && state.status !== 'none' && state.rotation !== null;

const runs = { numRuns: 500 };

describe('whatever happens to keys', () => {
  it.each(Object.entries(properties))('%s', (_, property) => fc.assert(property(rules) as fc.IProperty<unknown>, runs));
});

describe('these properties find', () => {
  it.each(mistakes)('%s', (_, mistake, property) => {
    const broken = properties[property]({ ...rules, ...mistake }) as fc.IProperty<unknown>;
    // The smallest example is nothing that anybody reads here.
    const { failed } = fc.check(broken, { ...runs, endOnFailure: true });
    assert.equal(failed, true);
  });
});
