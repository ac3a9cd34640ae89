import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import { IDEMPOTENCY_LEASE_SECONDS } from '#contracts/idempotency.js';
import { agentSessionId } from '#contracts/ids.js';
import type { Ask, Subject } from '#contracts/subjects.js';
import { answers } from '../test/answers.js';
import { adminKey, otherAdminKey, platformAdmin, startGateway, type TestGateway } from '../test/gateway.js';
import { agentSessionView, keyView, sessionView, userView } from '../test/views.js';
import { untilBankAnswers } from './request-context.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  gateway.bus.answers['link-session.mint'] = (ask) => ({ view: { ...sessionView, ...ask.terms }, position: '7' });
  gateway.bus.answers['key.idempotency.keep'] = () => ({});
});
afterAll(() => gateway.app.close());
afterEach(() => {
  jest.restoreAllMocks();
});

const later = (ms: number) => {
  const now = Date.now() + ms;
  jest.spyOn(Date, 'now').mockReturnValue(now);
};
const mintOnce = (key = adminKey) =>
  gateway.call({
    method: 'POST',
    url: '/api/v1/connections/link',
    headers: {
      ...{ 'content-type': 'application/json', host: 'localhost:8080', 'idempotency-key': 'once' },
      'x-api-key': key,
    },
    payload: JSON.stringify({ user_id: userView.id }),
  });
const last = (asked: string) => gateway.bus.asked.findLast(({ subject }) => subject === asked)!;
const bodyHash = () => (last('key.idempotency.begin').ask as Ask<'key.idempotency.begin'>).body_hash;
const patienceFor = (asked: string) => last(asked).timeoutMs!;

it('the same seed makes the same command, so that a service knows what it has done already', async () => {
  const commandOf = async (seed: string) => {
    gateway.bus.answers['key.idempotency.begin'] = () => ({ state: 'run', seed, again: false });
    expect((await mintOnce()).status).toBe(201);
    return (last('link-session.mint').ask as Ask<'link-session.mint'>).context.command_id;
  };
  const first = await commandOf('one');
  expect(await commandOf('one')).toBe(first);
  expect(await commandOf('two')).not.toBe(first);
});

describe('the same seed draws the same ids and secrets', () => {
  const secret = { instance_id: 'i', instance_token: 't' };
  const names = ['terms', 'user', 'wish', 'successor', 'id', 'short_id', 'key_hash', 'token_hash'];

  it.each<[string, object, Subject]>([
    ['/api/v1/connections/link', { user_id: userView.id }, 'link-session.mint'],
    ['/api/v1/users', { name: 'Ada' }, 'connection.user.create'],
    ['/api/v1/api-keys', { name: 'k' }, 'key.create'],
    [`/api/v1/api-keys/${keyView.id}/rotate`, {}, 'key.rotate'],
    ['/v1/api-keys', { name: 'k' }, 'key.create'],
    ['/v1/projects', { name: 'Shop', slug: 'shop' }, 'key.project.create'],
    ['/v1/sessions', { servers: ['z-api'] }, 'connection.session.open'],
    ['/v1/connections', { server_id: 'z-api', user_id: 'u1', secret }, 'connection.platform.store'],
  ])('of POST %s', async (url, body, subject) => {
    Object.assign(gateway.bus.answers, { ...answers, ...gateway.bus.answers });
    const drawnBy = async (seed: string) => {
      gateway.bus.answers['key.idempotency.begin'] = () => ({ state: 'run', seed, again: true });
      const headers = { authorization: `Bearer ${adminKey}`, 'idempotency-key': 'once' };
      expect((await gateway.call({ method: 'POST', url, headers, payload: body })).status).toBe(201);
      return JSON.stringify(last(subject).ask, names);
    };
    const first = await drawnBy('one');
    expect(await drawnBy('one')).toBe(first);
    expect(await drawnBy('two')).not.toBe(first);
  });
});

it.each([
  ['/api/v1/users', 'VALIDATION_ERROR'],
  ['/v1/api-keys', 'invalid_query'],
])('a key that is too long is called at %s what a parameter is called there', async (url, code) => {
  const headers = { authorization: `Bearer ${adminKey}`, 'idempotency-key': 'x'.repeat(256) };
  const { status, text } = await gateway.call({ method: 'POST', url, headers, payload: { name: 'k' } });
  expect(status).toBe(400);
  expect(text).toContain(`"code":"${code}"`);
});

it('what the look at the Idempotency-Key has taken, the rest of the request no longer has', async () => {
  gateway.bus.answers['key.idempotency.begin'] = () => {
    later(3_000);
    return { state: 'run', seed: 'seed', again: false };
  };
  expect((await mintOnce()).status).toBe(201);
  expect(patienceFor('link-session.mint')).toBeLessThanOrEqual(1_500);
  expect(patienceFor('key.idempotency.keep')).toBeLessThanOrEqual(1_500);
});

it('a wish is let go of only when no request can be at work with it any more', () => {
  const longest = untilBankAnswers({} as Context).deadline - Date.now();
  expect(IDEMPOTENCY_LEASE_SECONDS * 1_000).toBeGreaterThan(longest + 500);
});

it('a request that has waited for its twin has all its time again', async () => {
  let looks = 0;
  gateway.bus.answers['key.idempotency.begin'] = () => {
    if (looks++ > 0) return { state: 'run', seed: 'seed', again: false };
    later(3_000);
    return { state: 'in_flight' };
  };
  expect((await mintOnce()).status).toBe(201);
  expect(patienceFor('link-session.mint')).toBe(4_500);
});

it('a request whose twin is at work for ten seconds is told so', async () => {
  let looks = 0;
  later(0);
  gateway.bus.answers['key.idempotency.begin'] = () => {
    later([9_900, 100][looks++] ?? 60_000);
    return { state: 'in_flight' };
  };
  const minted = gateway.bus.asked.filter(({ subject }) => subject === 'link-session.mint').length;
  const { status, json } = await mintOnce();
  expect([status, json.error.code, looks]).toEqual([409, 'IDEMPOTENCY_IN_FLIGHT', 2]);
  expect(gateway.bus.asked.filter(({ subject }) => subject === 'link-session.mint')).toHaveLength(minted);
});

it('the same body for another project is another wish', async () => {
  gateway.bus.answers['key.idempotency.begin'] = () => ({ state: 'conflict' });
  const hashFor = async (project: string) => {
    const headers = {
      authorization: `Bearer ${platformAdmin}`,
      'idempotency-key': 'once',
      'x-codespar-project': project,
    };
    await gateway.call({ method: 'POST', url: '/v1/api-keys', headers, payload: { name: 'Agent' } });
    return bodyHash();
  };
  const first = await hashFor('prj_1111111111111111');
  expect(await hashFor('prj_1111111111111111')).toBe(first);
  expect(await hashFor('prj_2222222222222222')).not.toBe(first);
});

it('what comes as the body of a wish that has none is no matter', async () => {
  gateway.bus.answers['key.idempotency.begin'] = () => ({ state: 'run', seed: 'seed', again: false });
  gateway.bus.answers['connection.session.close'] = answers['connection.session.close']!;
  const hashOf = async (payload: string) => {
    const headers = { authorization: `Bearer ${adminKey}`, 'idempotency-key': 'once' };
    const url = `/v1/sessions/${agentSessionId(agentSessionView.id)}/close`;
    expect((await gateway.call({ method: 'POST', url, headers, payload })).status).toBe(200);
    return bodyHash();
  };
  expect(
    new Set([await hashOf(''), await hashOf('{}'), await hashOf('[not JSON'), await hashOf('x'.repeat(70_000))]).size,
  ).toBe(1);
});

it('what is kept of a body tells nothing to whoever has not its API key, so that no secret in it can be guessed', async () => {
  gateway.bus.answers['key.idempotency.begin'] = () => ({ state: 'conflict' });
  const hashBy = async (key: string) => {
    await mintOnce(key);
    return bodyHash();
  };
  const first = await hashBy(adminKey);
  expect(await hashBy(adminKey)).toBe(first);
  expect(await hashBy(otherAdminKey)).not.toBe(first);
});
