import { jest } from '@jest/globals';

/**
 * On CI's machine a test of the whole system may fail for what others do there. It gets two more tries; the report names
 * each that needed one, for a race of ours would look the same. On your own machine the first failure is the answer.
 */
if (process.env.CI) jest.retryTimes(2, { logErrorsBeforeRetry: true });
