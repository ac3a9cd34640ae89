import { beforeAll, describe, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from './logger.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

const failed = (code: string) => new QueryFailedError('select 1', [], Object.assign(new Error('failed'), { code }));
const answerTo = (error: unknown) =>
  lastValueFrom(new RpcErrorFilter().catch(error)).catch((answer: unknown) => answer);

beforeAll(() => {
  logger.level = 'silent';
});

describe('a failure that leaves a service', () => {
  it.each([
    ['a refused connection', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['a database that shuts down', failed('57P01')],
    ['too many connections', failed('53300')],
    ['a connection cut within a transaction', new QueryRunnerAlreadyReleasedError()],
    ['a pool that waited too long', new Error('timeout exceeded when trying to connect')],
  ])('says to try again after %s', async (_, error) => {
    expect(await answerTo(error)).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['a mistake in a statement', failed('42601')],
    ['a broken rule of a table', failed('23505')],
    ['a mistake of our own', new TypeError('x is not a function')],
    ['something that is no error', 'nonsense'],
  ])('hides %s', async (_, error) => {
    expect(await answerTo(error)).toEqual({ code: 'INTERNAL', message: 'Something went wrong on our side.' });
  });

  it('tells a refusal as it is', async () => {
    const refusal = new DomainError('NOT_FOUND', 'User not found');
    expect(await answerTo(refusal)).toEqual({ code: 'NOT_FOUND', message: 'User not found' });
  });
});
