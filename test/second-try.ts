import { jest } from '@jest/globals';

/**
 * On CI's machine a test of the whole system may fail for what others do there. It gets one more try; the report names
 * each that needed it, for a race of ours would look the same. On your own machine the first failure is the answer.
 */
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
