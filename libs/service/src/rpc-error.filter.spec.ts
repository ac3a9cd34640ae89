import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ArgumentsHost } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import {
  CannotExecuteNotConnectedError,
  ConnectionIsNotSetError,
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from './logger.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

const failed = (code: string, message = 'failed') =>
  new QueryFailedError('select 1', [], Object.assign(new Error(message), { code }));
const broken = (message: string) => new QueryFailedError('select 1', [], new Error(message));
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
    ['a connection cut before the next statement of one', new QueryRunnerProviderAlreadyReleasedError()],
    ['a pool that waited too long', new Error('timeout exceeded when trying to connect')],
    ['a connection that took too long', new Error('Connection terminated due to connection timeout')],
    ['a connection that was cut', broken('Connection terminated unexpectedly')],
    ['a statement that was not answered', broken('Query read timeout')],
    ['a connection that has failed before', broken('Client has encountered a connection error and is not queryable')],
    ['a database that is not open yet', new CannotExecuteNotConnectedError()],
    ['a pool that is not open yet', new ConnectionIsNotSetError('postgres')],
    ['a statement that took too long', failed('57014', 'canceling statement due to statement timeout')],
    ['a lock that took too long', failed('55P03', 'canceling statement due to lock timeout')],
    ['a transaction left standing', failed('25P03', 'terminating connection due to idle-in-transaction timeout')],
  ])('says to try again after %s', async (_, error) => {
    expect(await answerTo(error)).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['a mistake in a statement', failed('42601')],
    ['a broken rule of a table', failed('23505')],
    ['a mistake of our own', new TypeError('x is not a function')],
    ['a table that is not there', failed('42P01', 'relation "connections" does not exist')],
    ['a row that is there twice', failed('23505', 'duplicate key value violates unique constraint "connections_pkey"')],
    ['a value that is not there', new TypeError("Cannot read properties of null (reading 'connection_id')")],
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
