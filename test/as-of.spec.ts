import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { platformConnectionId } from '#contracts/ids.js';
import { type Answer, type Api, newCaller } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { type Random, randomFrom } from './chaos/random.js';
import { allow, bankUrlOf, openLink, type Started } from './page-visit.js';

const stack = sharedStack();
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const HISTORIES = 5;
const STEPS = 6;

let api: Api;
let bearer: Record<string, string>;

beforeAll(async () => {
  const caller = await newCaller(stack.run());
  ({ api } = caller);
  bearer = { authorization: `Bearer ${caller.key}` };
});

/** What a look has shown, and when that was. */
interface Look {
  /** Just before it was asked for, and just after it was answered. */
  times: readonly [string, string];
  positions: readonly [string, string];
  shown: object;
}

/** A thing with a history: how it begins, what can happen to it, and where it is looked at. */
interface Story {
  begin: () => Promise<string>;
  steps: ((id: string, random: Random) => Promise<Answer | void>)[];
  paths: (id: string) => string[];
}

const id = (answer: Answer): string => (answer.body as { id: string }).id;
const newUser = async () => id(await api.post('/api/v1/users', { name: 'Ada' }));
const v1 = (method: string, path: string, body?: object) => api.call(method, path, body, bearer);

const stripe = { server_id: 'stripe', secret: 'sk' };
/** The user of each stored connection. */
const usersOf = new Map<string, string>();

const stories: Record<string, Story> = {
  user: {
    begin: newUser,
    steps: [
      (user, random) => api.patch(`/api/v1/users/${user}`, { name: `Ada ${random.below(100)}` }),
      (user, random) =>
        api.patch(`/api/v1/users/${user}`, { email: `${user.slice(0, 8)}${random.below(9)}@x.example` }),
      (user, random) => (random.chance(0.3) ? api.delete(`/api/v1/users/${user}`) : wait(0)),
    ],
    paths: (user) => [`/api/v1/users/${user}`],
  },
  session: {
    begin: async () => {
      const body = { user_id: await newUser(), expires_in_seconds: 1 };
      return id(await api.post('/api/v1/connections/link', body));
    },
    steps: [
      (session, random) => (random.chance(0.2) ? api.delete(`/api/v1/connections/link/${session}`) : wait(0)),
      () => wait(150),
      () => wait(400),
    ],
    paths: (session) => [`/api/v1/connections/link/${session}`],
  },
  key: {
    begin: async () => id(await api.post('/api/v1/api-keys', { name: 'k' })),
    steps: [
      (key, random) => api.patch(`/api/v1/api-keys/${key}`, { name: `k ${random.below(100)}` }),
      (key) => api.post(`/api/v1/api-keys/${key}/rotate`, { grace_seconds: 1 }),
      () => wait(300),
      (key, random) => (random.chance(0.3) ? api.delete(`/api/v1/api-keys/${key}`) : wait(0)),
    ],
    paths: (key) => [`/api/v1/api-keys/${key}`],
  },
  'stored connection': {
    begin: async () => {
      const user = randomUUID();
      const connection = id(await v1('POST', '/v1/connections', { ...stripe, user_id: user }));
      usersOf.set(connection, user);
      return connection;
    },
    steps: [
      (connection, random) =>
        v1('PATCH', `/v1/connections/${connection}/metadata`, { connection_metadata: { n: random.below(100) } }),
      (connection, random) =>
        v1('POST', '/v1/connections', {
          ...stripe,
          user_id: usersOf.get(connection)!,
          display_name: `B ${random.below(100)}`,
        }),
      (connection, random) => (random.chance(0.2) ? v1('POST', `/v1/connections/${connection}/revoke`) : wait(0)),
    ],
    paths: (connection) => [`/v1/connections/${connection}`],
  },
  'session of an agent': {
    begin: async () => id(await v1('POST', '/v1/sessions', { servers: ['stripe'] })),
    steps: [
      () => wait(3),
      (session, random) => (random.chance(0.5) ? v1('DELETE', `/v1/sessions/${session}`) : wait(0)),
    ],
    paths: (session) => [`/v1/sessions/${session}`],
  },
};

/** A look at the thing now, and where time and the store stood before and after. The clock has moved on before anything else happens. */
async function look(path: string): Promise<Look> {
  const newest = await newestPosition();
  const from = new Date().toISOString();
  const answer = await api.get(path, bearer);
  const time = new Date().toISOString();
  const positions = [newest, await newestPosition()] as const;
  await wait(2);
  return { times: [from, time], positions, shown: seen(answer) };
}

const newestPosition = async () =>
  ((await api.get('/api/v1/audit?limit=1')).body as { entries: [{ position: string }] }).entries[0].position;

/** The last use of a key is no fact of its history. */
const seen = ({ status, body }: Answer): object => {
  const { last_used_at: _use, ...shown } = (body ?? {}) as Record<string, unknown>;
  return status === 200 ? { status, shown } : { status, code: (shown['error'] as { code: string }).code };
};

const past = async (path: string, as_of: string) =>
  seen(await api.get(`${path}?as_of=${encodeURIComponent(as_of)}`, bearer));

async function live({ begin, steps, paths }: Story, random: Random): Promise<void> {
  const thing = await begin();
  const looks: (Look & { path: string })[] = [];
  for (let step = 0; step < STEPS; step++) {
    for (const path of paths(thing)) looks.push({ path, ...(await look(path)) });
    await random.oneOf(steps)(thing, random);
  }
  for (const { path, times, positions, shown } of looks) {
    await showed(path, shown, times);
    // What ends without an event is told by the clock alone, which stands still between two positions.
    if (/"expired"|"revoked_at":"/.test(JSON.stringify(shown)) && /link|api-keys/.test(path)) continue;
    await showed(path, shown, positions);
  }
}

/** After the look or, because something may have ended while it was looked at, before it. */
async function showed(path: string, shown: object, [before, after]: readonly [string, string]): Promise<void> {
  const then = await past(path, after);
  const answers = [then, isEqual(then, shown) ? then : await past(path, before)];
  expect({ before, after, path, answers }).toEqual({ before, after, path, answers: expect.arrayContaining([shown]) });
}

const isEqual = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

describe(`as_of (SEED=${seed})`, () => {
  it.each(Object.entries(stories))('answers what a look at a %s answered then', async (_, story) => {
    const histories = Array.from({ length: HISTORIES }, (__, n) => live(story, randomFrom(seed + n)));
    await Promise.all(histories);
  });

  it('answers for a bank and its owner, by name, as both were then', async () => {
    const user_id = await newUser();
    const minted = await api.post('/api/v1/connections/link', { user_id, single_use: true });
    const page = await openLink((minted.body as { url: string }).url);
    await page.post('activate');
    const started = (await page.post('start', { provider: 'plaid' })).body as Started;
    const { token } = await allow(bankUrlOf(stack), started);
    await page.post('finish', { attempt_id: started.attempt_id, token });
    const path = `/api/v1/connections/${started.attempt_id}`;
    const paths = [path, `${path}/status`, `/v1/connections/${platformConnectionId(id(await api.get(path)))}`];
    const looks: (Look & { path: string })[] = [];
    const lookAll = async () => {
      for (const one of paths) looks.push({ path: one, ...(await look(one)) });
    };
    await lookAll();
    await api.patch(`/api/v1/users/${user_id}`, { name: 'Grace' });
    await lookAll();
    await api.delete(path);
    await lookAll();
    for (const { path: one, times, positions, shown } of looks) {
      expect(await past(one, times[1])).toEqual(shown);
      expect(await past(one, positions[1])).toEqual(shown);
    }
    expect(looks.map(({ shown }) => JSON.stringify(shown)).filter((text) => text.includes('Grace'))).toHaveLength(2);
  });

  it('by position is exact where a clock cannot tell two events apart', async () => {
    const key = id(await api.post('/api/v1/api-keys', { name: 'k' }));
    await api.post(`/api/v1/api-keys/${key}/rotate`, { grace_seconds: 0 });
    const { entries } = (await api.get(`/api/v1/api-keys/${key}/timeline`)).body as {
      entries: { type: string; at: string; position: string }[];
    };
    expect(entries.map(({ type }) => type)).toEqual(['KeyCreated', 'KeyRotated', 'KeyRevoked']);
    const [, rotated, revoked] = entries;
    expect(rotated!.at).toBe(revoked!.at);
    expect(BigInt(rotated!.position)).toBeLessThan(BigInt(revoked!.position));
    expect(await past(`/api/v1/api-keys/${key}`, entries[0]!.position)).toMatchObject({ shown: { expires_at: null } });
  });

  it('knows nothing of a thing before it was, nor of another tenant’s thing', async () => {
    const earlier = await newestPosition();
    const user = (await api.post('/api/v1/users', { name: 'Ada' })).body as { id: string; created_at: string };
    const path = `/api/v1/users/${user.id}`;
    const before = new Date(Date.parse(user.created_at) - 1).toISOString();
    expect(await past(path, before)).toEqual({ status: 404, code: 'NOT_FOUND' });
    expect(await past(path, earlier)).toEqual({ status: 404, code: 'NOT_FOUND' });
    expect(await past(path, user.created_at)).toMatchObject({ status: 200 });
    expect(await past(path, '2999-01-01T00:00:00Z')).toMatchObject({ status: 200 });
    const { api: stranger } = await newCaller(stack.run());
    expect((await stranger.get(`${path}?as_of=${user.created_at}`)).status).toBe(404);
  });

  it.each(['yesterday', '2026-01-01', '-1', '1.5', '9'.repeat(19), '2026-13-01T00:00:00Z'])(
    'refuses %j',
    async (text) => {
      const user = await newUser();
      expect(await past(`/api/v1/users/${user}`, text)).toEqual({ status: 400, code: 'VALIDATION_ERROR' });
      const opened = id(await v1('POST', '/v1/sessions', { servers: ['stripe'] }));
      expect(await past(`/v1/sessions/${opened}`, text)).toEqual({ status: 400, code: 'invalid_query' });
    },
  );

  it('refuses a position at which nothing stands', async () => {
    const stored = id(await v1('POST', '/v1/connections', { ...stripe, user_id: randomUUID() }));
    const within = String(BigInt(await newestPosition()) - 1n);
    expect(await past(`/api/v1/users/${await newUser()}`, within)).toEqual({ status: 400, code: 'INVALID_PARAMETER' });
    expect(await past(`/v1/connections/${stored}`, within)).toEqual({ status: 400, code: 'invalid_query' });
    const opened = id(await v1('POST', '/v1/sessions', { servers: ['stripe'] }));
    expect(await past(`/v1/sessions/${opened}`, within)).toEqual({ status: 400, code: 'invalid_query' });
  });
});
