import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import { defaultTenant, type Tenant } from '#contracts/envelope.js';
import type { HouseholdScope } from '#contracts/key.js';
import type { Bus } from '#service/bus.js';
import { connectAs, contextFor, newTenant } from './callers.js';
import type { Run } from './stack.js';

export interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into bodies freely
  body: any;
  text: string;
}

export type Api = ReturnType<typeof apiWith>;

/** A 503 that took so long is that of a machine which has no core to spare, not of a part that is away. */
const STARVED_MS = 3_000;
const CLIENT_PATIENCE_MS = 30_000;

/**
 * The HTTP API as a caller with this key sees it. Replies are never thrown. Where the machine is starved it asks up to
 * so many times: a test that is not about faults is not to fail for that.
 */
export function apiWith(url: string, key: string | null, attempts = 3) {
  const call = async (...request: Parameters<typeof once>): Promise<Answer> => {
    for (let left = attempts - 1; ; left--) {
      const startedAt = performance.now();
      const answer = await once(...request);
      const isStarved = answer.status === 503 && performance.now() - startedAt > STARVED_MS;
      if (!isStarved || left === 0) return answer;
    }
  };
  const once = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(CLIENT_PATIENCE_MS),
      headers: {
        ...(key && { 'x-api-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text), text };
  };
  return {
    url,
    call,
    get: (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers),
    post: (path: string, body?: unknown, headers?: Record<string, string>) => call('POST', path, body, headers),
    patch: (path: string, body: unknown) => call('PATCH', path, body),
    delete: (path: string) => call('DELETE', path),
  };
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A key in a project of its own, both made over the bus as the command line makes the first one. */
export async function newCaller(run: Run, scope: HouseholdScope = 'full_access', tenant = newTenant()) {
  const bus = await connectAs('cli', run);
  const key = newHouseholdKey();
  const terms = {
    ...tenant,
    ...keyIdentity(key),
    kind: 'household' as const,
    name: 'a test',
    scopes: [scope],
    actor_name: null,
    created_by: 'a test',
    expires_at: null,
  };
  if (tenant.project_id !== defaultTenant.project_id) await newProject(bus, tenant.project_id);
  await bus.ask('key.create', { context: patiently(tenant), terms }, CLIENT_PATIENCE_MS);
  await bus.onApplicationShutdown();
  return { key, tenant, api: apiWith(run.url, key) };
}

const patiently = (tenant: Tenant) => ({ ...contextFor(tenant), deadline: Date.now() + CLIENT_PATIENCE_MS });

/** Nobody's timeline but the default project's tells of it. */
const newProject = (bus: Bus, id: string) =>
  bus.ask(
    'key.project.create',
    { context: patiently(defaultTenant), id, name: 'a test', slug: id.slice(4).toLowerCase() },
    CLIENT_PATIENCE_MS,
  );

/** Made by a test that is not about it: a machine that is busy for a moment fails nothing. */
export async function newUser(api: Api, name = 'Ada'): Promise<string> {
  const { body } = await until(
    () => api.post('/api/v1/users', { name }),
    ({ status }) => status === 201,
  );
  return (body as { id: string }).id;
}

/** Asks again until the answer pleases; the last one is in the error when time runs out. */
export async function until<T>(ask: () => Promise<T>, pleases: (answer: T) => boolean, limitMs = 30_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    // Not `instanceof Error`: what Node itself throws comes from another realm than a test of Jest.
    const asked = await ask().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if ('answer' in asked && pleases(asked.answer)) return asked.answer;
    if (Date.now() > deadline)
      throw new Error(`waited ${limitMs} ms in vain; the last answer: ${inspect(asked, { depth: 6 })}`);
    await wait(50);
  }
}
