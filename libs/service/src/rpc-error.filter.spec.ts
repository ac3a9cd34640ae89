import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ArgumentsHost } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from './logger.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

const failed = (code: string) => new QueryFailedError('select 1', [], Object.assign(new Error('failed'), { code }));
const asked = (question: unknown) => ({ switchToRpc: () => ({ getData: () => question }) }) as ArgumentsHost;
const answerTo = (error: unknown, question: unknown = {}) =>
  lastValueFrom(new RpcErrorFilter().catch(error, asked(question))).catch((answer: unknown) => answer);

beforeAll(() => {
  logger.level = 'silent';
});

describe('a failure that leaves a service', () => {
  it.each([
    ['a refused connection', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['a host without a way to it', Object.assign(new Error('connect EHOSTUNREACH'), { code: 'EHOSTUNREACH' })],
    ['a network that is down', Object.assign(new Error('connect ENETUNREACH'), { code: 'ENETUNREACH' })],
    ['a database that shuts down', failed('57P01')],
    ['a primary that has become a replica', failed('25006')],
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

  it('stands in the log under the id of the request', async () => {
    const logged = jest.spyOn(logger, 'error');
    const bug = new TypeError('x is not a function');
    await answerTo(bug, { context: { request_id: 'request-1' } });
    expect(logged).toHaveBeenCalledWith({ request_id: 'request-1', err: bug }, 'a request failed');
    logged.mockRestore();
  });

  it('tells a refusal as it is', async () => {
    const refusal = new DomainError('NOT_FOUND', 'User not found');
    expect(await answerTo(refusal)).toEqual({ code: 'NOT_FOUND', message: 'User not found' });
  });
});
