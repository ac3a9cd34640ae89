import { describe, expect, it } from '@jest/globals';
import type { SessionEvent } from '#contracts/link-session.js';
import type { Recorded } from '#eventstore/recorded.js';
import { pageFacts } from './page-facts.js';

const at = '2026-01-01T12:00:00.000Z';
const soon = '2026-01-01T12:04:59.999Z';
const later = '2026-01-01T12:05:00.000Z';
const started: SessionEvent = { type: 'AttemptStarted', attempt_id: 'a', provider: 'plaid', connection_id: 'c', at };
const claimed: SessionEvent = { type: 'AttemptClaimed', attempt_id: 'a', at };
const refused: SessionEvent = { type: 'AttemptRefused', attempt_id: 'a', code: 'ITEM_LOCKED', message: '', at };
const succeeded = { type: 'AttemptSucceeded', attempt_id: 'a', connection_id: 'c', outcome: 'repaired', at } as const;
const handedOver: SessionEvent = { type: 'SessionHandedOver', code_hash: 'h', at };

const factsAt = (now: string, ...events: SessionEvent[]) =>
  pageFacts(
    events.map((event, index) => ({ event, commit: BigInt(index + 1) }) as Recorded<SessionEvent>),
    now,
  );
const factsOf = (...events: SessionEvent[]) => factsAt(soon, ...events);

describe('what the page tells of a session', () => {
  it('is an attempt under way from its start until somebody says how it ended', () => {
    expect([factsOf(), factsOf(started), factsOf(started, claimed)].map((facts) => facts.is_trying)).toEqual([
      false,
      true,
      true,
    ]);
    expect([factsOf(started, refused), factsOf(started, claimed, succeeded)].map((facts) => facts.is_trying)).toEqual([
      false,
      false,
    ]);
  });

  it('is no attempt any more five minutes after a start that brought nothing', () => {
    expect(factsAt(later, started).is_trying).toBe(false);
    expect(factsAt(later, started, claimed).is_trying).toBe(true);
    expect(factsAt(later, started, { ...started, attempt_id: 'b', at: soon }).is_trying).toBe(true);
  });

  it('is how a relink ended, on how many other devices, and up to where', () => {
    expect(factsOf(handedOver, started, claimed, succeeded, handedOver)).toEqual({
      outcome: 'repaired',
      hand_overs: 2,
      is_trying: false,
      position: '5',
    });
  });
});
