import { describe, it } from '@jest/globals';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DomainError } from '#contracts/errors.js';
import type { SessionCommand, SessionEvent, SessionTerms, SessionView } from '#contracts/link-session.js';
import { fold } from '#eventstore/decider.js';
import { project } from '#eventstore/projection.js';
import { linkSession } from './link-session.decider.js';
import { sessionProjection } from './link-session.view.js';

const start = Date.parse('2026-01-01T12:00:00.000Z');
const terms = (single_use: boolean): SessionTerms => ({
  project_id: 'prj_1',
  environment: 'live',
  id: 'session-1',
  short_id: 'abcdefgh',
  token_hash: 'hash',
  user_id: 'user-1',
  provider: '',
  action: 'link',
  connection_id: null,
  single_use,
  redirect_url: '',
  label: '',
});

/** Clocks of different machines: within the session's quarter of an hour and a little beyond, in any order. */
const clock = fc.integer({ min: -300, max: 1_500 }).map((seconds) => new Date(start + seconds * 1000).toISOString());
const attempt = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');

const command: fc.Arbitrary<SessionCommand> = fc.oneof(
  clock.map((now): SessionCommand => ({ type: 'ActivateSession', now })),
  fc.tuple(attempt, clock).map(([attempt_id, now]): SessionCommand => ({
    type: 'StartAttempt',
    attempt_id,
    provider: 'plaid',
    connection_id: `connection-${attempt_id}`,
    now,
  })),
  fc.tuple(attempt, clock).map(([attempt_id, now]): SessionCommand => ({ type: 'ClaimAttempt', attempt_id, now })),
  fc
    .tuple(attempt, clock, fc.constantFrom('page' as const, 'provider' as const))
    .map(([attempt_id, now, by]): SessionCommand => ({
      type: 'RefuseAttempt',
      attempt_id,
      code: 'X',
      message: 'x',
      by,
      now,
    })),
  fc
    .tuple(attempt, clock)
    .map(([attempt_id, now]): SessionCommand => ({ type: 'SettleAttempt', attempt_id, outcome: 'linked', now })),
  clock.map((now): SessionCommand => ({ type: 'FinishSession', now })),
  fc.tuple(attempt, clock).map(([code_hash, now]): SessionCommand => ({ type: 'HandOver', code_hash, now })),
  clock.map((now): SessionCommand => ({ type: 'FailSession', error_code: 'CANCELLED', error_message: 'x', now })),
  clock.map((now): SessionCommand => ({ type: 'ExpireSession', now })),
);

/** A history in which commands come late, twice and out of order, as they do on a bus. */
const history = fc.record({
  single_use: fc.boolean(),
  commands: fc
    .array(command, { minLength: 20, maxLength: 60, size: 'max' })
    .chain((all) => fc.shuffledSubarray([...all, ...all], { minLength: all.length })),
});

const allowed: Record<string, readonly string[]> = {
  pending: ['pending', 'active', 'failed', 'expired'],
  active: ['active', 'consumed', 'completed', 'failed', 'expired'],
  consumed: ['consumed', 'active', 'completed', 'failed'],
  completed: ['completed'],
  failed: ['failed'],
  expired: ['expired'],
};

/** Runs the commands and calls `see` with the session before and after each event. */
function play(single_use: boolean, commands: SessionCommand[], see: (before: SessionView, after: SessionView) => void) {
  const mint: SessionCommand = {
    type: 'MintSession',
    terms: terms(single_use),
    ttl_seconds: 0,
    now: new Date(start).toISOString(),
  };
  const events: SessionEvent[] = linkSession.decide(mint, linkSession.initial);
  for (const next of commands) {
    try {
      for (const event of linkSession.decide(next, fold(linkSession, events))) {
        const before = project(sessionProjection, events)!;
        events.push(event);
        see(before, project(sessionProjection, events)!);
      }
    } catch (error) {
      assert.ok(error instanceof DomainError, `a bug, not a refusal: ${String(error)}`);
    }
  }
  return { events, session: project(sessionProjection, events)! };
}

describe('whatever happens to a session', () => {
  it('its status follows the rules, and what has ended stays as it is', () =>
    fc.assert(
      fc.property(history, ({ single_use, commands }) => {
        play(single_use, commands, (before, after) => {
          assert.ok(allowed[before.status]!.includes(after.status), `${before.status} became ${after.status}`);
          if (['completed', 'failed', 'expired'].includes(before.status)) assert.deepEqual(after, before);
        });
      }),
      { numRuns: 500 },
    ));

  it('a single_use session has at most one connection, and no two claims at once', () =>
    fc.assert(
      fc.property(history, ({ commands }) => {
        const { session } = play(true, commands, (_, after) => assert.ok(after.in_flight.length <= 1));
        assert.ok(session.result_connection_ids.length <= 1);
        assert.equal(session.status === 'completed', session.result_connection_ids.length === 1);
      }),
      { numRuns: 500 },
    ));

  it('every claim that was settled is among its results, once, and none is in flight at the end', () =>
    fc.assert(
      fc.property(history, ({ single_use, commands }) => {
        const { events, session } = play(single_use, commands, () => undefined);
        const settled = events.flatMap((event) => (event.type === 'AttemptSucceeded' ? [event.connection_id] : []));
        assert.deepEqual(session.result_connection_ids, [...new Set(settled)]);
        assert.equal(settled.length, new Set(settled).size);
        if (['completed', 'failed', 'expired'].includes(session.status)) assert.deepEqual(session.in_flight, []);
      }),
      { numRuns: 500 },
    ));

  it('nothing is claimed or opened at or after its time (I7)', () =>
    fc.assert(
      fc.property(history, ({ single_use, commands }) => {
        const { events, session } = play(single_use, commands, () => undefined);
        for (const event of events) {
          if (event.type === 'SessionActivated' || event.type === 'AttemptClaimed')
            assert.ok(event.at < session.expires_at);
          if (event.type === 'SessionExpired') assert.ok(event.at >= session.expires_at);
        }
      }),
      { numRuns: 500 },
    ));
});
