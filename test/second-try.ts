import { expect, jest } from '@jest/globals';

/** About what goes wrong rarely: of a race of ours that loses one run in three, three tries would show one in 27. */
const ONE_TRY = /\/chaos\/|\/(races|idempotency|key-revocation|vault-rotation)\.spec\.ts$/;

/**
 * On CI's machine a test of the whole system may fail for what others do there. It gets two more tries; the report names
 * each that needed one, for a race of ours would look the same. On your own machine the first failure is the answer.
 */
if (process.env.CI && !ONE_TRY.test(expect.getState().testPath!)) jest.retryTimes(2, { logErrorsBeforeRetry: true });
