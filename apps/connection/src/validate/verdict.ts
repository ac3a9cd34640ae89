import type { CredentialVerdict, refusals } from '#contracts/api/credential-checks.js';
import type { Server } from '#contracts/api/servers.js';
import { callCatalog, type CatalogAnswer, type CatalogCall, NoAnswer } from './catalog-call.js';
import { withoutSecrets } from './scrub.js';

export const VALIDATE_DEADLINE_MS = 5000;

/** What of a catalog entry is needed to try a credential. */
export interface TriedServer {
  id: string;
  base_url: string;
  validation: NonNullable<Server['validation']>;
  /** The entry is of the sandbox and may be on this machine. */
  sandbox: boolean;
}

type Refusal = (typeof refusals)[number];

export type SignedRead = Pick<CatalogCall, 'method' | 'path' | 'headers'>;

/** The candidate cannot be used to sign at all; nothing was sent. */
export class InvalidKey extends Error {
  override readonly name = 'InvalidKey';
}

/**
 * Signs one harmless read and sends it. `hidden` is what the provider could repeat and nobody may see again: the secrets, and
 * what was made of them. Nothing is kept and nothing is logged.
 */
export async function validate(
  server: TriedServer,
  secret: Readonly<Record<string, unknown>>,
  sign: (secret: Record<string, string>) => Promise<{ read: SignedRead; hidden: string[] }>,
): Promise<CredentialVerdict> {
  const refused = (error: Refusal, detail: string) => ({ ok: false as const, provider: server.id, error, detail });
  try {
    const texts = onlyTexts(secret);
    const { read, hidden } = await sign(texts);
    const startedAt = performance.now();
    const { base_url: baseUrl, sandbox } = server;
    const answer = await callCatalog({ baseUrl, sandbox, ...read, deadlineMs: VALIDATE_DEADLINE_MS });
    const latency_ms = Math.round(performance.now() - startedAt);
    if (answer.status >= 200 && answer.status < 300) return { ok: true, provider: server.id, latency_ms };
    return refused(isVerdict(answer.status) ? 'provider_rejected' : 'provider_unreachable', detailOf(answer, hidden));
  } catch (error) {
    if (error instanceof InvalidKey) return refused('invalid_key', error.message);
    if (error instanceof NoAnswer) return refused('provider_unreachable', error.message);
    throw error;
  }
}

function onlyTexts(secret: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(secret);
  if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '')) {
    return Object.fromEntries(entries);
  }
  throw new InvalidKey('Every value of the secret must be a text.');
}

/** A 4xx is about the request and so about the credential; a rate limit, a redirect or a fault of theirs says nothing of it. */
const isVerdict = (status: number): boolean => status >= 400 && status < 500 && ![408, 425, 429].includes(status);

function detailOf({ status, body, cut }: CatalogAnswer, hidden: readonly string[]): string {
  if (status >= 300 && status < 400) return `HTTP ${status}: redirects are not followed.`;
  const words = cut ? '' : withoutSecrets(body, hidden);
  return words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
}
