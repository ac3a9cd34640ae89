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
    fetch: (request) => answerOf(request, { signal: AbortSignal.timeout(DEADLINE_MS) }),
  });
  client.use({
    async onResponse({ response }) {
      if (!response.ok) throw await refusalOf(response);
      if (response.status === 204) return;
      // Read here, as nobody else says in words of ours what came instead of an answer.
      const text = await response.clone().text().catch(fail);
      if (!isJson(text)) throw new CliError(`HTTP_${response.status}`, `What answers at ${url} is not Latchkey.`);
    },
    onError: ({ error }) => fail(error),
  });
  return client;

  function fail(error: unknown): never {
    if (error instanceof CliError) throw error;
    throw new CliError('UNREACHABLE', `Latchkey does not answer at ${url} (${reasonOf(error)}).`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * What Latchkey says. A redirect is not followed: it would take the key to another place, and what is sent would become a
 * read that answers with something else.
 */
export async function answerOf(what: Request | URL | string, init: RequestInit): Promise<Response> {
  const response = await fetch(what, { ...init, redirect: 'manual' });
  if (response.status < 300 || response.status > 399) return response;
  const place = response.headers.get('location') ?? 'nowhere';
  throw new CliError('REDIRECTED', `The address leads to ${place}: give the one where Latchkey is.`);
}

/** `/v1` knows keys only as Bearer, and a platform key is nothing elsewhere. */
export const headersOf = (key: string) => ({
  authorization: `Bearer ${key}`,
  ...(key.startsWith('bb_') && { 'X-API-Key': key }),
});

/** Where the timeline is for this key: a platform key reads it on `/v1` only, also that of its test environment. */
export const auditAt = (key: string) => (key.startsWith('csk_') ? '/v1/audit' : '/api/v1/audit');

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
