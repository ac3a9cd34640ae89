import { randomBytes, randomUUID } from 'node:crypto';
import type { Tenant } from '#contracts/envelope.js';
import {
  agentSessionId,
  idOf,
  type Kind,
  newShortId,
  parseAgentSessionId,
  parsePlatformConnectionId,
  platformConnectionId,
} from '#contracts/ids.js';
import { platformScopes } from '#contracts/key.js';
import { keyIdentity, newPlatformKey } from '#contracts/secrets.js';
import { type Answer, type Api, apiWith, newCaller, until } from '#testing/api.js';
import { connectAs, contextFor } from '#testing/callers.js';
import type { SharedStack } from '#testing/stack.js';
import type { Ids } from './isolation-recipes.js';
import { linkBank } from './link-bank.js';

/** A key, sent in both headers, so that it can be sent to either surface. */
export interface Caller {
  api: Api;
  /** Does this path take such a key? */
  opens(path: string): boolean;
  /** Follows a stream from its beginning until something of the caller's own is in it. */
  watch(path: string): Promise<Answer>;
}

/** A tenant with one thing of each kind. */
export interface World {
  tenant: Tenant;
  /** The same things, in each form in which an id may be written. */
  ids: Ids[];
  /** Words that stand in its things and nowhere else: in nobody else's replies. */
  marks: string[];
  household: Caller;
  platform: Caller;
}

/** A household's project: everything in it, in the environment live. */
export async function liveWorld(stack: SharedStack, of?: { key: string; tenant: Tenant }): Promise<World> {
  const { key, tenant } = of ?? (await newCaller(stack.run()));
  const household = bearing(stack.url, key);
  const platform = await platformCaller(stack, tenant);
  const mark = `mark-${randomBytes(6).toString('hex')}`;
  const things = await platformThings(platform.api, mark);
  const { made, items } = await householdThings(stack, household.api, mark);
  const [ids, short] = [ofAll(made, 'id'), ofAll(made, 'short_id')];
  const marks = [mark, ...items, ...Object.values({ ...things }), ...Object.values(ids), ...Object.values(short)];
  return {
    tenant,
    ids: [
      { ...things, ...ids },
      { ...things, ...short },
    ],
    marks,
    household,
    platform,
  };
}

/** The same project's other environment, of which only the platform knows. */
export async function testWorld(stack: SharedStack, { tenant, household }: World): Promise<World> {
  const test: Tenant = { ...tenant, environment: 'test' };
  const platform = await platformCaller(stack, test);
  const mark = `mark-${randomBytes(6).toString('hex')}`;
  const things = await platformThings(platform.api, mark);
  // What the household's surface would call them, if it looked.
  const bank = parsePlatformConnectionId(things.connection)!;
  const others = { user: bank, link: parseAgentSessionId(things.agentSession)!, bank, key: things.platformKey };
  return {
    tenant: test,
    ids: [{ ...things, ...others }],
    marks: [mark, ...Object.values(things)],
    household,
    platform,
  };
}

/** Ids that nobody has, in the same forms. */
export function nobodys(): Ids[] {
  const of = (kind: Kind) => idOf(kind, newShortId());
  const things = {
    platformKey: of('api_key'),
    connection: platformConnectionId(of('connection')),
    agentSession: agentSessionId(of('agent_session')),
  };
  const long = { user: of('user'), link: of('link_session'), bank: of('connection'), key: of('api_key') };
  const short = { user: newShortId(), link: newShortId(), bank: newShortId(), key: newShortId() };
  return [
    { ...things, ...long },
    { ...things, ...short },
  ];
}

/** Each thing, as its owner sees it. */
export async function everythingOf({ tenant, ids: [ids], household, platform }: World): Promise<unknown[]> {
  const { user, link, bank, key, connection, agentSession, platformKey } = ids!;
  const of = async ({ api }: Caller, path: string) => {
    const { body } = await until(
      () => api.get(path),
      ({ status }) => status === 200,
    );
    return body as unknown;
  };
  const { keys } = (await of(platform, '/v1/api-keys')) as { keys: { id: string }[] };
  const seen: unknown[] = keys.filter(({ id }) => id === platformKey);
  for (const path of [`connections/${connection}`, `sessions/${agentSession}`])
    seen.push(await of(platform, `/v1/${path}`));
  if (tenant.environment === 'test') return seen;
  for (const path of [`users/${user}`, `connections/link/${link}`, `connections/${bank}`, `api-keys/${key}`])
    seen.push(await of(household, `/api/v1/${path}`));
  return seen;
}

interface Made {
  id: string;
  short_id: string;
}

const madeBy = ({ status, text, body }: Answer): Made => {
  if (status >= 300) throw new Error(`${status} ${text}`);
  return body as Made;
};

async function householdThings(stack: SharedStack, api: Api, mark: string) {
  const user = madeBy(await api.post('/api/v1/users', { name: `Ada ${mark}`, email: `${mark}@example.com` }));
  const link = madeBy(await api.post('/api/v1/connections/link', { user_id: user.id, label: `for ${mark}` }));
  const bank = madeBy(await api.get(`/api/v1/connections/${await linkBank(stack, api, user.id)}`));
  const key = madeBy(await api.post('/api/v1/api-keys', { name: `key ${mark}` }));
  const { items } = (await api.get('/api/v1/sandbox/ledger')).body as { items: { id: string }[] };
  return { made: { user, link, bank, key }, items: items.map(({ id }) => id) };
}

async function platformThings(api: Api, mark: string) {
  const user_id = `customer ${mark}`;
  const stored = { server_id: 'stripe', secret: mark, display_name: mark, user_id };
  return {
    connection: madeBy(await api.post('/v1/connections', stored)).id,
    agentSession: madeBy(await api.post('/v1/sessions', { servers: ['stripe'], user_id })).id,
    platformKey: madeBy(await api.post('/v1/api-keys', { name: `key ${mark}` })).id,
  };
}

const ofAll = ({ user, link, bank, key }: Record<'user' | 'link' | 'bank' | 'key', Made>, name: keyof Made) => ({
  ...{ user: user[name], link: link[name], bank: bank[name], key: key[name] },
});

/** A platform key with every scope, made over the bus as the command line makes one. */
async function platformCaller(stack: SharedStack, tenant: Tenant): Promise<Caller> {
  const key = newPlatformKey(tenant.environment);
  const bus = await connectAs('cli', stack.run());
  const who = { kind: 'platform' as const, name: 'a platform', actor_name: null, created_by: 'a test' };
  const terms = { ...keyIdentity(key), ...tenant, ...who, scopes: [...platformScopes], expires_at: null };
  await bus.ask('key.create', { context: contextFor(tenant), terms });
  await bus.onApplicationShutdown();
  return bearing(stack.url, key);
}

function bearing(url: string, key: string): Caller {
  const isHousehold = key.startsWith('bb_');
  const plain = apiWith(url, isHousehold ? key : null);
  const authorization = `Bearer ${key}`;
  const call: Api['call'] = (method, path, body, headers = {}) =>
    plain.call(method, path, body, { authorization, ...headers });
  const api = {
    ...plain,
    call,
    get: (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers),
    post: (path: string, body?: unknown, headers?: Record<string, string>) => call('POST', path, body, headers),
    patch: (path: string, body: unknown) => call('PATCH', path, body),
    delete: (path: string) => call('DELETE', path),
  };
  return {
    api,
    opens: (path) => isHousehold || path.startsWith('/v1/'),
    watch: async (path) => {
      const own = randomUUID();
      const headers = { authorization, 'last-event-id': '0' };
      const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(20_000) });
      await api.post('/v1/connections', { server_id: 'stripe', secret: 'x', user_id: own });
      return { status: response.status, headers: response.headers, body: undefined, text: await upTo(own, response) };
    },
  };
}

async function upTo(mark: string, { body }: Response): Promise<string> {
  let text = '';
  for await (const chunk of body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (text.includes(mark)) break;
  }
  return text;
}
