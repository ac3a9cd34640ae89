import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newHouseholdKey } from '#contracts/secrets.js';
import { type Answer, apiWith, newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { type AnotherGateway, anotherGateway } from './another-gateway.js';

const PER_MINUTE = 60;
const BURST = 5;
const FAILURES = 3;

/** A gateway with small limits beside the others of the stack, which have none. */
let gateway: AnotherGateway;

beforeAll(async () => {
  gateway = await anotherGateway(sharedStack().run(), {
    API_RATE_LIMIT_RPM: String(PER_MINUTE),
    API_RATE_LIMIT_BURST: String(BURST),
    AUTH_FAIL_LIMIT_RPM: String(FAILURES),
  });
});
afterAll(() => gateway.stop());

const newKey = async () => (await newCaller(sharedStack().run(), 'read_only')).key;
const as = (key: string) => apiWith(gateway.url, key);
const me = (key: string) => as(key).get('/api/v1/keys/me');

const limitsOf = ({ headers }: Answer) =>
  ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`) ?? NaN));

describe('the requests of one key', () => {
  it('say in every reply where it stands', async () => {
    const key = await newKey();
    expect(limitsOf(await me(key))).toEqual([PER_MINUTE, BURST - 1, 1]);
    const [limit, remaining] = limitsOf(await as(key).get('/api/v1/users/nobody'));
    expect([limit, remaining! < BURST]).toEqual([PER_MINUTE, true]);
    const forbidden = await as(key).get('/api/v1/api-keys');
    expect([forbidden.status, limitsOf(forbidden)[0]]).toEqual([403, PER_MINUTE]);
  });

  it('are RATE_LIMITED over it, for as long as Retry-After says', async () => {
    const key = await newKey();
    const answers = await Promise.all(Array.from({ length: 4 * BURST }, () => me(key)));
    const over = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(BURST);
    expect(over.length).toBeGreaterThanOrEqual(BURST);
    for (const answer of over) {
      expect([answer.body.error.code, answer.headers.get('retry-after'), limitsOf(answer)[1]]).toEqual([
        'RATE_LIMITED',
        '1',
        0,
      ]);
    }
    await until(
      () => me(key),
      ({ status }) => status === 200,
      3_000,
    );
  });

  it('are rate_limited on /v1', async () => {
    const key = await newKey();
    const whoami = () => as(key).get('/v1/whoami', { authorization: `Bearer ${key}` });
    const answers = await Promise.all(Array.from({ length: 4 * BURST }, whoami));
    const over = answers.find(({ status }) => status === 429);
    expect([over?.body.code, over?.body.error.details]).toEqual(['rate_limited', { retry_after: 1 }]);
  });

  it('leave another key alone', async () => {
    const [greedy, modest] = [await newKey(), await newKey()];
    await Promise.all(Array.from({ length: 4 * BURST }, () => me(greedy)));
    expect((await me(modest)).status).toBe(200);
  });
});

describe('wrong keys from one address', () => {
  it('are RATE_LIMITED after so many, and slow no good key down', async () => {
    const good = await newKey();
    expect((await me(good)).status).toBe(200);
    const wrong = await Promise.all(Array.from({ length: 10 * FAILURES }, () => me(newHouseholdKey())));
    expect(new Set(wrong.map(({ body }) => body.error.code as string))).toEqual(
      new Set(['INVALID_API_KEY', 'RATE_LIMITED']),
    );
    const over = await me(newHouseholdKey());
    expect([over.status, Number(over.headers.get('retry-after')) > 1]).toEqual([429, true]);
    expect(limitsOf(over)).toEqual([NaN, NaN, NaN]);
    expect((await me(good)).status).toBe(200);
    const platform = await as('').get('/v1/whoami', { authorization: 'Bearer csk_live_guess' });
    expect([platform.status, platform.body.code]).toEqual([429, 'rate_limited']);
    expect((await as('').get('/api/v1/users')).body.error.code).toBe('MISSING_API_KEY');
  });
});
