import fc from 'fast-check';
import { DomainError } from '#contracts/errors.js';
import type { KeyCommand, KeyEvent, KeyIdentity, KeyTerms, KeyView } from '#contracts/key.js';
import { fold } from '#eventstore/decider.js';
import { project } from '#eventstore/projection.js';
import { apiKey } from '../src/key.decider.js';
import { isLastingAdmin, keyProjection } from '../src/key.view.js';

/** The rules under test; a planted bug is another set of them. */
export interface Rules {
  decider: typeof apiKey;
  isLastingAdmin: typeof isLastingAdmin;
}
export const rules: Rules = { decider: apiKey, isLastingAdmin };

export type Step =
  | { do: 'create'; key: string; expiresIn: number | null; now: string }
  | { do: 'rename'; key: string; name: string; now: string }
  /** Only what is written to the old key: whoever asked may die before the successor is made. */
  | { do: 'rotate'; key: string; successor: string; grace_seconds: number; now: string }
  | { do: 'revoke'; key: string; by: 'operator' | 'itself'; now: string }
  | { do: 'sweep'; now: string };

const start = Date.parse('2026-01-01T12:00:00.000Z');
export const timeAt = (seconds: number) => new Date(start + seconds * 1_000).toISOString();

/** Clocks of different machines, in any order. */
export const seconds = fc.integer({ min: -300, max: 3_000 });
const clock = seconds.map(timeAt);
/** Three keys, those that can take their place, and those that can take the place of these. */
const key = fc
  .tuple(fc.constantFrom('0', '1', '2'), fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }))
  .map(([root, path]) => root + path.join(''));
const root = fc.constantFrom('0', '1', '2');

const change = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rename' as const), key, name: fc.string(), now: clock }) },
  {
    weight: 6,
    arbitrary: fc
      .record({ key, variant: fc.constantFrom('a', 'b'), grace_seconds: fc.integer({ min: 0, max: 900 }), now: clock })
      .map(({ variant, ...step }) => ({ do: 'rotate' as const, ...step, successor: step.key + variant })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('revoke' as const),
      key,
      by: fc.constantFrom('operator' as const, 'itself' as const),
      now: clock,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const), now: clock }) },
);
const creation = fc.record({
  do: fc.constant('create' as const),
  key: root,
  expiresIn: fc.option(fc.integer({ min: 1, max: 2_000 })),
  now: clock,
});

/** A history in which steps come late, twice and out of order, as they do on a bus. */
export const history: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(creation, { minLength: 1, maxLength: 4, size: 'max' }),
    fc.array(change, { minLength: 20, maxLength: 60, size: 'max' }),
  )
  .chain(([creations, changes]) =>
    fc
      .shuffledSubarray([...changes, ...changes, ...creations], { minLength: changes.length })
      .map((shuffled): Step[] => [...creations, ...shuffled]),
  );

const identity = (name: string): KeyIdentity => ({ id: name, short_id: name, key_hash: `#${name}`, key_prefix: name });

const termsOf = (name: string, expires_at: string | null): KeyTerms => ({
  ...identity(name),
  project_id: 'prj_default000000000',
  environment: 'live',
  kind: 'household',
  name,
  scopes: ['full_access'],
  actor_name: null,
  allowed_ips: ['10.0.0.0/8'],
  created_by: 'operator',
  expires_at,
});

type See = (world: World, before: KeyView | null, after: KeyView, event: KeyEvent) => void;

/** All streams, and what the service does with them: the decider for each, the rule of the last key, and the sweep. */
export class World {
  readonly streams = new Map<string, KeyEvent[]>();

  constructor(
    private readonly by: Rules,
    private readonly see: See = () => undefined,
  ) {}

  play(steps: Step[]): this {
    for (const step of steps) {
      try {
        this.take(step);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
      }
    }
    return this;
  }

  keys(): KeyView[] {
    return [...this.streams.values()].map((events) => project(keyProjection, events)!);
  }

  sweep(now: string): void {
    for (const events of [...this.streams.values()]) {
      const rotated = events.find((event) => event.type === 'KeyRotated');
      if (!rotated) continue;
      this.command(rotated.successor.id, { type: 'CreateKey', terms: rotated.successor, now });
      const { id, retires_at } = project(keyProjection, events)!;
      if (retires_at! <= now) this.command(id, { type: 'RevokeKey', now });
    }
  }

  private take(step: Step): void {
    const { now } = step;
    switch (step.do) {
      case 'create': {
        const expires_at = step.expiresIn === null ? null : timeAt(step.expiresIn);
        return this.command(step.key, { type: 'CreateKey', terms: termsOf(step.key, expires_at), now });
      }
      case 'rename':
        return this.command(step.key, { type: 'RenameKey', name: step.name, now });
      case 'rotate': {
        const { successor, grace_seconds } = step;
        const wish = { successor: identity(successor), created_by: 'Ada', grace_seconds, now };
        return this.command(step.key, { type: 'RotateKey', ...wish });
      }
      case 'revoke':
        if (step.by === 'itself') this.refuseLast(step.key, now);
        return this.command(step.key, { type: 'RevokeKey', now });
      case 'sweep':
        return this.sweep(now);
    }
  }

  private refuseLast(id: string, now: string): void {
    const others = this.keys().filter((other) => other.id !== id && this.by.isLastingAdmin(other, now));
    if (others.length === 0) throw new DomainError('LAST_ADMIN_KEY');
  }

  private command(id: string, command: KeyCommand): void {
    const events = this.streams.get(id) ?? [];
    for (const event of this.by.decider.decide(command, fold(this.by.decider, events))) {
      const before = project(keyProjection, events);
      events.push(event);
      this.streams.set(id, events);
      this.see(this, before, project(keyProjection, events)!, event);
    }
  }
}
