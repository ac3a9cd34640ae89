import assert from 'node:assert/strict';
import type { ErrorCode } from '#contracts/errors.js';
import { type Decider, fold } from '#eventstore/decider.js';

/** given(past events).when(command).then(new events) | .thenNothing() | .thenRefused(code) */
export const specification =
  <S, C, E>(decider: Decider<S, C, E>) =>
  (...past: E[]) => ({
    when: (command: C) => {
      const run = () => decider.decide(command, fold(decider, past));
      return {
        then: (...expected: E[]) => assert.deepEqual(run(), expected),
        thenNothing: () => assert.deepEqual(run(), []),
        thenRefused: (code: ErrorCode) => assert.throws(run, { code }),
      };
    },
  });
