import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './api-types.js';
import { CliError } from './errors.js';

const DEADLINE_MS = 15_000;

/** The API over HTTP, with the types of its own document (scripts/make-client.mjs). */
export type Api = Client<paths>;

/** A refusal is thrown as a CliError with the API's own code and message. */
export function apiAt(url: string, key: string | undefined): Api {
  const client = createClient<paths>({
    baseUrl: url,
    ...(key !== undefined && { headers: headersOf(key) }),
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(DEADLINE_MS) }),
  });
  client.use({
    async onResponse({ response }) {
      if (!response.ok) throw await refusalOf(response);
    },
    onError({ error }) {
      if (error instanceof CliError) return error;
      return new CliError('UNREACHABLE', `Latchkey does not answer at ${url} (${reasonOf(error)}).`);
    },
  });
  return client;
}

/** `/v1` knows keys only as Bearer, and a platform key is nothing elsewhere. */
const headersOf = (key: string) => ({
  authorization: `Bearer ${key}`,
  ...(key.startsWith('bb_') && { 'X-API-Key': key }),
});

/** What a call brought; whatever else could have come has been thrown. */
export const dataOf = async <T>(call: Promise<{ data?: T }>): Promise<T> => (await call).data as T;

/** The API says itself what is wrong with a number that is none. */
export const numberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

export async function refusalOf(response: Response): Promise<CliError> {
  const answer = (await response.json().catch(() => undefined)) as
    { error?: { code?: string; message?: string } } | undefined;
  const { code = `HTTP_${response.status}`, message = response.statusText } = answer?.error ?? {};
  return new CliError(code, message);
}

/** Why an address gave no answer. */
export const reasonOf = (error: unknown): string => {
  const { message, cause } = error as { message: string; cause?: { code?: string } };
  return cause?.code ?? message;
};
