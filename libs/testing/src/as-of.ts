import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DomainError } from '#contracts/errors.js';
import { upTo } from '#eventstore/as-of.js';
import { type Decider, fold } from '#eventstore/decider.js';
import { project, type Projection } from '#eventstore/projection.js';
import type { Recorded } from '#eventstore/recorded.js';

interface Kind<S, C, E extends { type: string }, View extends object> {
  decider: Decider<S, C, E>;
  projection: Projection<View, E>;
  /** What a look at this time shows of the row. */
  shown: (view: View, time: string) => View;
  /** A command that comes at this time. */
  commands: fc.Arbitrary<(now: string) => C>;
}

interface Look {
  position: string;
  time: string;
  shown: unknown;
}

const start = Date.parse('2026-01-01T12:00:00.000Z');

/**
 * Lives random histories, looking at the thing after each command as a GET would, and then asks for each of these looks
 * again, by position and by time.
 */
export function assertPastIsAsItWas<S, C, E extends { type: string }, View extends object>(
  kind: Kind<S, C, E, View>,
  numRuns: number,
): void {
  const pause = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 10_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 900_000 }) },
  );
  const steps = fc.array(fc.tuple(kind.commands, pause, pause), { minLength: 8, maxLength: 30, size: 'max' });
  let changes = 0;
  const property = fc.property(steps, (history) => {
    const { events, looks } = live(kind, history);
    changes += events.length;
    for (const { position, time, shown } of looks) {
      assert.deepEqual(lookBack(kind, upTo(events, { position }), time), shown, `as of position ${position}`);
    }
    // A time means all of its millisecond, so a look that something followed in the same one is known by position only.
    const isWhole = ({ time, position }: Look) =>
      !events.some(({ event, created, commit }) => {
        const times = [created.toISOString(), (event as { at?: string }).at];
        return times.includes(time) && commit > BigInt(position);
      });
    for (const { time, shown } of looks.filter(isWhole)) {
      assert.deepEqual(lookBack(kind, upTo(events, { time }), time), shown, `as of ${time}`);
    }
  });
  fc.assert(property, { numRuns });
  assert.ok(changes > numRuns, `these histories have hardly any events: ${changes}`);
}

function live<S, C, E extends { type: string }, View extends object>(
  kind: Kind<S, C, E, View>,
  history: [(now: string) => C, number, number][],
) {
  const events: Recorded<E>[] = [];
  const looks: Look[] = [];
  let now = start;
  let commit = 100n;
  const time = () => new Date(now).toISOString();
  for (const [command, before, after] of history) {
    now += before;
    const decisions = decided(kind, command(time()), events);
    now += Math.min(after, 40);
    for (const event of decisions) {
      commit += 10n;
      events.push({ event, commit, created: new Date(now) } as Recorded<E>);
    }
    now += after;
    // Other streams go on meanwhile: a moment's position need not be one of this stream.
    commit += 1n;
    looks.push({ position: String(commit), time: time(), shown: lookBack(kind, events, time()) });
  }
  return { events, looks };
}

function decided<S, C, E extends { type: string }, View extends object>(
  { decider }: Kind<S, C, E, View>,
  command: C,
  events: Recorded<E>[],
): E[] {
  const past = events.map(({ event }) => event);
  try {
    return decider.decide(command, fold(decider, past));
  } catch (error) {
    if (error instanceof DomainError) return [];
    throw error;
  }
}

function lookBack<S, C, E extends { type: string }, View extends object>(
  { projection, shown }: Kind<S, C, E, View>,
  events: Recorded<E>[],
  time: string,
): View | null {
  const past = events.map(({ event }) => event);
  const view = project(projection, past);
  return view && structuredClone(shown(view, time));
}
