import { type Answer, type Api, newCaller, until } from '#testing/api.js';
import type { HouseholdScope } from '#contracts/key.js';
import type { Run } from '#testing/stack.js';

/** A caller in a project of its own, with its key as Bearer. */
export async function platformCaller(run: Run, scope: HouseholdScope = 'full_access') {
  const { key, api } = await newCaller(run, scope);
  const authorization = `Bearer ${key}`;
  const call: Api['call'] = (method, path, body, headers = {}) =>
    api.call(method, path, body, { authorization, ...headers });
  return {
    call,
    get: (path: string) => call('GET', path),
    post: (path: string, body?: unknown, headers?: Record<string, string>) => call('POST', path, body, headers),
    patch: (path: string, body: unknown) => call('PATCH', path, body),
    put: (path: string, body: unknown) => call('PUT', path, body),
    delete: (path: string) => call('DELETE', path),
  };
}
export type PlatformCaller = Awaited<ReturnType<typeof platformCaller>>;

/** The code stands at the top and in `error`: older clients read either. */
export const said = ({ status, body }: Answer): unknown[] => [status, body?.code, body?.error?.code];
export const refused = (status: number, code: string) => [status, code, code];

let users = 0;
/** A user that no other test has. */
export const someone = () => `customer ${++users}`;

/** Asks again while a part is away: another suite on the same stack may just hold up the vault. */
export const patiently = (ask: () => Promise<Answer>): Promise<Answer> =>
  until(ask, ({ status }) => status !== 503, 20_000);
