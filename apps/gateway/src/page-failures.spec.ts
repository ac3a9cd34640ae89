import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { InjectOptions } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { newToken } from '#contracts/secrets.js';
import type { Subject } from '#contracts/subjects.js';
import { logger } from '#service/logger.js';
import { startGateway, type TestGateway } from '../test/gateway.js';
import { csrfOf } from './admin/cookies.js';

let gateway: TestGateway;

beforeAll(async () => (gateway = await startGateway()));
afterAll(() => gateway.app.close());
afterEach(() => void jest.restoreAllMocks());

const form = newToken();
const signIn: InjectOptions = {
  method: 'POST',
  url: '/admin/sign-in',
  headers: { cookie: `lk_form=${form}`, 'content-type': 'application/x-www-form-urlencoded' },
  payload: new URLSearchParams({ csrf: csrfOf(form), email: 'ada@example.com', password: 'a long walk' }).toString(),
};

/** What people ask for, and the question that each begins with. */
const pages: [string, Subject, InjectOptions][] = [
  ['the hosted page', 'link-session.page', { url: `/link/${newToken()}` }],
  ['a page of the dashboard', 'key.operator.setup-open', { url: '/admin/sign-in' }],
  ['a form of the dashboard', 'key.operator.recipe', signIn],
];

const failing = (subject: Subject, error: Error) =>
  Object.assign(gateway.bus.answers, { [subject]: () => Promise.reject(error) });

it.each(pages)('a failure of %s stands in the log under the id of its request', async (_, subject, request) => {
  const [error, warn] = [jest.spyOn(logger, 'error'), jest.spyOn(logger, 'warn')];
  const send = async (id: string) => {
    const headers = { ...request.headers, 'x-request-id': id };
    return (await gateway.app.inject({ ...request, headers })).statusCode;
  };
  const fault = new TypeError('nobody foresaw this');
  failing(subject, fault);
  expect(await send('broken')).toBe(500);
  expect(error.mock.calls).toEqual([[{ request_id: 'broken', code: 'INTERNAL', err: fault }, 'a request failed']]);
  delete gateway.bus.answers[subject];
  expect(await send('away')).toBe(503);
  expect(warn.mock.calls).toEqual([
    [expect.objectContaining({ request_id: 'away', code: 'UNAVAILABLE' }), expect.stringContaining('is not running')],
  ]);
});

it.each(pages)('%s says when it may be tried again', async (_, subject, request) => {
  const send = async () => {
    const { statusCode, headers } = await gateway.app.inject(request);
    return [statusCode, headers['retry-after']];
  };
  failing(subject, new DomainError('RATE_LIMITED', undefined, { retry_after: 42 }));
  expect(await send()).toEqual([429, '42']);
  delete gateway.bus.answers[subject];
  expect(await send()).toEqual([503, '1']);
});
