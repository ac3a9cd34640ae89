import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeyCommand, KeyTerms } from '#contracts/key.js';
import { assertPastIsAsItWas } from '#testing/as-of.js';
import { apiKey } from './key.decider.js';
import { keyAt, keyProjection } from './key.view.js';

const terms: KeyTerms = {
  ...{ project_id: 'prj_default000000000', environment: 'live', id: 'key', short_id: 'k', key_hash: 'hash' },
  ...{ key_prefix: 'bb_12345678', kind: 'household', name: 'agent', scopes: ['read_only'], actor_name: null },
  ...{ created_by: 'operator', expires_at: null },
};
const successor = { id: 'next', short_id: 'n', key_hash: 'other', key_prefix: 'bb_87654321' };

const at =
  (command: object) =>
  (now: string): KeyCommand =>
    ({ ...command, now }) as KeyCommand;

const commands = fc.oneof(
  fc.constant(at({ type: 'CreateKey', terms })),
  fc.string().map((name) => at({ type: 'RenameKey', name })),
  fc
    .integer({ min: 0, max: 3_600 })
    .map((grace_seconds) => at({ type: 'RotateKey', successor, created_by: 'Ada', grace_seconds })),
  fc.constant(
    at({
      type: 'NoteRefusals',
      reason: 'address',
      count: 1,
      first_at: '2026-01-01T12:00:00.000Z',
      last_at: '2026-01-01T12:00:00.000Z',
    }),
  ),
);

describe('an API key in the past', () => {
  it('is what it was shown as then, to the moment at which its grace ended', () => {
    assertPastIsAsItWas({ decider: apiKey, projection: keyProjection, shown: keyAt, commands }, 100);
  });

  it('is what it was shown as then, also when it was revoked', () => {
    const revoked = fc.oneof({ weight: 9, arbitrary: commands }, fc.constant(at({ type: 'RevokeKey' })));
    // The grace may have ended before the sweep writes so down: the event then tells an earlier time than its own.
    assertPastIsAsItWas({ decider: apiKey, projection: keyProjection, shown: keyAt, commands: revoked }, 50);
  });
});
