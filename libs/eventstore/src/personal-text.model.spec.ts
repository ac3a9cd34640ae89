import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventMetadata } from '#contracts/envelope.js';
import { personalFieldsOf, personalText } from '#contracts/personal-text.js';
import type { UserEvent } from '#contracts/user.js';
import type { EventStoreDBClient } from './client.js';
import { type Decider, fold } from './decider.js';
import { erasable, isErased } from './erasable.js';
import { erasuresIn, openBatch, openStream, seal, sealWith } from './personal-text.js';
import type { Recorded } from './recorded.js';
import { type KeyName, nameOf, type NewKey, type SubjectKeys } from './subject-keys.js';

/** What the table of a service does. */
class Keys {
  readonly rows = new Map<string, Buffer | null>();
  make(wanted: NewKey) {
    if (!this.rows.has(nameOf(wanted))) this.rows.set(nameOf(wanted), randomBytes(32));
    return Promise.resolve(this.rows.get(nameOf(wanted)) ?? null);
  }
  find(names: KeyName[]) {
    const found = names.map((name) => [nameOf(name), this.rows.get(nameOf(name))] as const);
    return Promise.resolve(new Map(found.filter(([, key]) => key)));
  }
  destroy({ stream, number }: KeyName) {
    for (let n = 0; n <= number; n++) this.rows.set(nameOf({ stream, number: n }), null);
    return Promise.resolve();
  }
}

type Event = UserEvent;
const noRules: Decider<null, { type: 'Nothing' }, Event> = { initial: null, decide: () => [], evolve: () => null };
const rules = erasable(noRules);
const stream = 'user-1';

/** One stream, what was said to it in plain, and the keys. */
class World {
  readonly client = {} as EventStoreDBClient;
  readonly keys = new Keys();
  readonly log: Recorded<Event>[] = [];
  readonly plain: Event[] = [];
  heard = 0;

  constructor() {
    sealWith(this.client, this.keys as unknown as SubjectKeys);
  }

  async append(event: Event): Promise<boolean> {
    const { plain: past } = this;
    const id = randomUUID();
    const sealed = await seal(this.client, { stream, events: [event], ids: [id], past });
    if (!sealed) return false;
    const position = BigInt(this.log.length);
    const place = { stream, revision: position, commit: position, prepare: position };
    this.log.push({ id, ...place, event: sealed[0]!, metadata: {} as EventMetadata, created: new Date(0) });
    this.plain.push(event);
    return true;
  }

  /** As the service does it; it may die between the event and the key. */
  async erase({ dies }: { dies: boolean }): Promise<void> {
    for (const event of rules.decide({ type: 'ErasePersonalText', now: 'noon' }, fold(rules, this.plain))) {
      assert.ok(await this.append(event));
    }
    if (!dies) await this.keys.destroy({ stream, number: erasuresIn(this.plain) - 1 });
  }

  /** What the history says, read as it should be after its last erasure. */
  expected(): Event[] {
    const last = this.plain.findLastIndex(isErased);
    return this.plain.map((event, at) => (at < last ? blank(event) : event));
  }
}

const blank = (event: Event): Event =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      personalFieldsOf(event).includes(name) ? personalText[event.type]![name] : value,
    ]),
  ) as unknown as Event;

const word = fc
  .string({ minLength: 8, maxLength: 12, unit: fc.constantFrom(...'abcdefgh') })
  .map((text) => `canary ${text}`);
const step = fc.oneof(
  fc.record({ do: fc.constant('say' as const), name: word, email: fc.option(word) }),
  fc.record({ do: fc.constant('erase' as const), dies: fc.boolean() }),
  fc.record({ do: fc.constant('hear' as const) }),
);

const facts = { id: '1', short_id: 's', project_id: 'prj', environment: 'live', at: 'noon' } as const;

async function play(world: World, steps: typeof step extends fc.Arbitrary<infer S> ? S[] : never): Promise<void> {
  for (const one of steps) {
    if (one.do === 'erase') await world.erase(one);
    else if (one.do === 'hear') {
      await openBatch(world.client, world.log.slice(world.heard));
      world.heard = world.log.length;
    } else {
      const { name, email } = one;
      const type = world.plain.length === 0 ? 'UserCreated' : 'UserUpdated';
      assert.ok(await world.append({ ...facts, type, name, email }));
    }
  }
}

describe('any history with erasures anywhere', () => {
  it('reads as it was written, but for the text before the last erasure', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const world = new World();
        await play(world, steps);
        const opened = await openStream(world.client, world.log);
        assert.deepEqual(
          opened.map(({ event }) => event),
          world.expected(),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('has nothing left of that text, neither in the store nor under a key, once somebody has heard of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const world = new World();
        await play(world, steps);
        assert.ok(!JSON.stringify(world.log.map(({ event }) => event)).includes('canary'));
        const opened = await openBatch(world.client, world.log);
        assert.deepEqual(
          opened.map(({ event }) => event),
          world.expected(),
        );
        const erasures = erasuresIn(world.plain);
        for (let n = 0; n < erasures; n++) assert.equal(world.keys.rows.get(nameOf({ stream, number: n })), null);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses to seal under a key that was destroyed after the stream was read', async () => {
    const world = new World();
    await play(world, [{ do: 'say', name: 'canary one', email: null }]);
    await world.keys.destroy({ stream, number: 0 });
    assert.equal(await world.append({ type: 'UserUpdated', name: 'canary two', email: null, at: 'noon' }), false);
  });

  it('erases what a stream without text has not: nothing', () => {
    assert.deepEqual(rules.decide({ type: 'ErasePersonalText', now: 'noon' }, rules.initial), []);
  });
});
