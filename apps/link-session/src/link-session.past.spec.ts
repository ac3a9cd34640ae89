import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { SessionCommand, SessionTerms } from '#contracts/link-session.js';
import { assertPastIsAsItWas } from '#testing/as-of.js';
import { linkSession } from './link-session.decider.js';
import { sessionAt, sessionProjection } from './link-session.view.js';

const terms = (single_use: boolean): SessionTerms => ({
  ...{ project_id: 'prj_default000000000', environment: 'live', id: 'session', short_id: 's', token_hash: 'hash' },
  ...{ user_id: 'user', provider: 'plaid', action: 'link', connection_id: null, redirect_url: '', label: 'kitchen' },
  single_use,
});

const outcome = { provider: 'plaid', outcome: 'linked', code: 'X', message: 'no', by: 'provider' };
const attempt = fc.constantFrom('a1', 'a2');
const at =
  (command: object) =>
  (now: string): SessionCommand =>
    ({ ...command, now }) as SessionCommand;

const mint = fc
  .record({ single_use: fc.boolean(), ttl_seconds: fc.integer({ min: 1, max: 3_600 }) })
  .map(({ single_use, ttl_seconds }) => at({ type: 'MintSession', terms: terms(single_use), ttl_seconds }));

const commands = fc.oneof(
  { weight: 3, arbitrary: mint },
  { weight: 4, arbitrary: fc.constant(at({ type: 'ActivateSession' })) },
  ...['FinishSession', 'ExpireSession'].map((type) => fc.constant(at({ type }))),
  ...['StartAttempt', 'ClaimAttempt', 'RefuseAttempt', 'SettleAttempt'].map((type) => ({
    weight: 3,
    arbitrary: attempt.map((attempt_id) => at({ type, attempt_id, ...outcome, connection_id: attempt_id })),
  })),
  fc.constant(at({ type: 'FailSession', error_code: 'CANCELLED', error_message: '' })),
);

describe('a session in the past', () => {
  it('is what it was shown as then, to the moment of its expiry', () => {
    assertPastIsAsItWas({ decider: linkSession, projection: sessionProjection, shown: sessionAt, commands }, 150);
  });
});
