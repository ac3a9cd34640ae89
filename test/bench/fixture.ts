import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { idOf, shortIdOf } from '#contracts/ids.js';
import type { SessionEvent } from '#contracts/link-session.js';
import { hashSecret, keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import { connectEventStore } from '#eventstore/client.js';
import { readStream } from '#eventstore/read-stream.js';
import type { Recorded } from '#eventstore/recorded.js';
import { type Answer, type Api, newCaller, until } from '#testing/api.js';
import { connectAs, contextFor } from '#testing/callers.js';
import type { Run, SharedStack } from '#testing/stack.js';
import { requestText } from './connection.js';

type Minted = Extract<SessionEvent, { type: 'SessionMinted' }>;

/** A running stack with what the load needs: a key, a user, a thousand sessions, and one of their events to copy. */
export interface Fixture {
  run: Run;
  port: number;
  api: Api;
  key: string;
  mintText: string;
  mintBody: { user_id: string };
  sessionIds: string[];
  sample: Recorded<Minted>;
  vaultKeyFile: string;
}

const SESSIONS = 1_000;
const AT_ONCE = 16;

export async function prepare(stack: SharedStack): Promise<Fixture> {
  const run = stack.run();
  const { key, api } = await newCaller(run);
  const user = await api.post('/api/v1/users', { name: 'Bench' });
  const wish = {
    user_id: expect(user, 201).body.id as string,
    redirect_url: 'https://example.com/done',
    label: 'Household accounts',
    expires_in_seconds: 3600,
  };
  const mint = async () => expect(await api.post('/api/v1/connections/link', wish), 201).body.id as string;
  const sessionIds = await times(SESSIONS, mint);
  const client = connectEventStore(run.eventstore.url);
  const { events } = await readStream<Minted>(client, `link_session-${sessionIds[0]}`);
  await client.dispose();
  await settled({ api, key, sessionIds, mintBody: wish });
  const mintText = requestText('POST', '/api/v1/connections/link', { 'x-api-key': key }, wish);
  return {
    run,
    port: Number(new URL(run.url).port),
    api,
    key,
    mintText,
    mintBody: wish,
    sessionIds,
    sample: events[0]!,
    vaultKeyFile: join(stack.dataDir, 'secrets', 'vault.key'),
  };
}

/**
 * Resolves when the lists and the timeline show everything that was written before; how long that took, in ms. A write of
 * the key comes after whatever others have written, and its own reads wait for it.
 */
export async function settled(fixture: Pick<Fixture, 'api' | 'key' | 'sessionIds' | 'mintBody'>): Promise<number> {
  const { api, key, sessionIds, mintBody } = fixture;
  expect(await api.post('/api/v1/connections/link', mintBody), 201);
  const startedAt = performance.now();
  for (const path of [
    `/api/v1/connections/link/${sessionIds[0]}`,
    '/v1/connections?limit=1',
    '/api/v1/audit?limit=1',
  ]) {
    await until(
      () => api.get(path, { authorization: `Bearer ${key}` }),
      ({ status }) => status === 200,
      60_000,
    );
  }
  return performance.now() - startedAt;
}

/** Keys of one new project, made over the bus. */
export async function newKeys(run: Run, count: number): Promise<string[]> {
  const bus = await connectAs('cli', run);
  const tenant = { project_id: `prj_${randomBytes(8).toString('hex')}`, environment: 'live' as const };
  const keys = await times(count, async () => {
    const key = newHouseholdKey();
    const names = { kind: 'household' as const, name: 'bench', actor_name: null, created_by: 'bench' };
    const terms = { ...tenant, ...keyIdentity(key), ...names, scopes: ['read_only' as const], expires_at: null };
    await bus.ask('key.create', { context: contextFor(tenant), terms });
    return key;
  });
  await bus.onApplicationShutdown();
  return keys;
}

/** What a new session's event would say, like `sample` but for the ids. */
export function anotherMinted({ event }: Recorded<Minted>, expires_at: string): Minted {
  const token_hash = hashSecret(randomBytes(32).toString('base64url'));
  const short_id = shortIdOf(token_hash);
  return { ...event, id: idOf('link_session', short_id), short_id, token_hash, expires_at };
}

/** Runs `once` so many times, a few at once. */
export async function times<T>(count: number, once: () => Promise<T>, atOnce = AT_ONCE): Promise<T[]> {
  const results: T[] = [];
  let left = count;
  const loop = async () => {
    while (left-- > 0) results.push(await once());
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return results;
}

export function expect(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.text}`);
  return answer;
}

/** A login of the stack's bus as the environment of a service names it. */
export const loginOf = ({ nats }: Run, user: string): NodeJS.ProcessEnv => ({
  NATS_URL: nats.url,
  NATS_USER: user,
  NATS_PASSWORD: nats.users[user]!.password,
});
