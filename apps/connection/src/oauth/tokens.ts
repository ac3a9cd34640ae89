import { jsonObject } from '../json-object.js';
import { type CatalogAnswer, callCatalog, NoAnswer } from '../validate/catalog-call.js';
import { type OAuthClient } from './client.js';

export const TOKEN_DEADLINE_MS = 8000;

export interface Tokens {
  accessToken: string;
  /** Null where the provider gives none: the access token then lives until it ends. */
  refreshToken: string | null;
  obtainedAt: Date;
  /** Null when it does not expire. */
  expiresAt: Date | null;
  scope: string | null;
  /** The fields that the catalog names for the connection's metadata. */
  metadata: Record<string, string | number | boolean>;
}

export type OAuthErrorCode =
  /** The code is unknown, expired or used. */
  | 'code_expired'
  /** The provider will never again give a token for this refresh token. */
  | 'refresh_token_dead'
  /** No verdict: no whole answer, a fault of theirs or a rate limit. Trying again is right. */
  | 'provider_unreachable'
  /** Refused for another reason, such as our client credentials, or answered what is no token. */
  | 'provider_rejected';

/** Has no cause and tells nothing of the request: both would hold secrets. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';

  constructor(readonly code: OAuthErrorCode) {
    super(`The OAuth provider could not give a token: ${code}`);
  }
}

/** Turns the code of a callback into tokens. A code is good once, so this is never tried again. */
export function exchangeCode(
  client: OAuthClient,
  { code, verifier, callbackUrl, now }: { code: string; verifier: string; callbackUrl: string; now: Date },
): Promise<Tokens> {
  const request = {
    ...client.tokenParameters,
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: callbackUrl,
  };
  return tokensFor(client, request, now);
}

/** Asks for new tokens. Most providers end the old refresh token with that; one that gives no new one lets it live on. */
export async function refreshTokens(client: OAuthClient, refreshToken: string, now: Date): Promise<Tokens> {
  const tokens = await tokensFor(client, { grant_type: 'refresh_token', refresh_token: refreshToken }, now);
  return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
}

async function tokensFor(client: OAuthClient, request: Record<string, string>, now: Date): Promise<Tokens> {
  const answer = await ask(client, request);
  // What it had to say, perhaps a token, is not known.
  if (answer.cut === 'broke_off') throw new OAuthError('provider_unreachable');
  const reply = jsonObject(answer.body) ?? {};
  if (answer.status !== 200) throw new OAuthError(codeOf(answer, reply, { ...client, grantType: request.grant_type! }));
  const { access_token, refresh_token, expires_in, scope } = reply;
  if (answer.cut || typeof access_token !== 'string' || access_token === '') throw new OAuthError('provider_rejected');
  const seconds = Number(expires_in);
  return {
    accessToken: access_token,
    refreshToken: typeof refresh_token === 'string' && refresh_token !== '' ? refresh_token : null,
    obtainedAt: now,
    expiresAt: seconds > 0 && seconds < 1e10 ? new Date(now.getTime() + seconds * 1000) : null,
    scope: typeof scope === 'string' ? scope : null,
    metadata: metadataOf(reply, client.metadataFields ?? []),
  };
}

async function ask(client: OAuthClient, request: Record<string, string>): Promise<CatalogAnswer> {
  const { origin, pathname, search } = new URL(client.tokenUrl);
  const body = { ...request, client_id: client.clientId, client_secret: client.clientSecret };
  try {
    return await callCatalog({
      baseUrl: origin,
      path: pathname + search,
      sandbox: client.sandbox,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams(body).toString(),
      deadlineMs: TOKEN_DEADLINE_MS,
    });
  } catch (error) {
    if (error instanceof NoAnswer) throw new OAuthError('provider_unreachable');
    throw error;
  }
}

/**
 * A refresh token counts as dead only when the provider says so of the grant: our own misconfiguration must end nobody's
 * connection. A refused code is one that is over, whatever the provider calls it, unless it is about the client.
 */
function codeOf(
  { status }: CatalogAnswer,
  { error }: Record<string, unknown>,
  { grantType, deadGrantCodes = [] }: Pick<OAuthClient, 'deadGrantCodes'> & { grantType: string },
): OAuthErrorCode {
  const code = String(error);
  if (status >= 500 || status < 400 || [408, 425, 429].includes(status)) return 'provider_unreachable';
  const isDead = code === 'invalid_grant' || deadGrantCodes.includes(code);
  if (grantType === 'refresh_token' && status !== 401 && isDead) return 'refresh_token_dead';
  if (status === 401 || ['invalid_client', 'unauthorized_client'].includes(code)) return 'provider_rejected';
  return grantType === 'authorization_code' ? 'code_expired' : 'provider_rejected';
}

function metadataOf(reply: Record<string, unknown>, fields: readonly string[]): Tokens['metadata'] {
  const plain = fields.map((field) => [field, Object.hasOwn(reply, field) ? reply[field] : undefined] as const);
  const kept = plain.filter((entry): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  return Object.fromEntries(kept);
}
