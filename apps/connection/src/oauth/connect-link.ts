import { authorizeUrl, type OAuthClient } from './client.js';
import { type ConnectLink, type LinkStates, openLink, takeLink } from './link-state.js';
import { newPkce } from './pkce.js';
import { exchangeCode, OAuthError, type Tokens } from './tokens.js';

export interface StartedConnectLink {
  /** The one-time state itself. */
  link_token: string;
  authorize_url: string;
  expires_at: string;
}

/** Opens a link of ten minutes. `callbackUrl` is our callback for this server. */
export async function startConnectLink(
  states: LinkStates,
  client: OAuthClient,
  start: Omit<ConnectLink, 'serverId'> & { callbackUrl: string; scopes?: readonly string[]; now: Date },
): Promise<StartedConnectLink> {
  const { tenant, userId, redirectUri, callbackUrl, scopes, now } = start;
  const { verifier, challenge } = newPkce();
  const link = { tenant, userId, redirectUri, serverId: client.serverId };
  const { state, expiresAt } = await openLink(states, link, { verifier, now });
  return {
    link_token: state,
    authorize_url: authorizeUrl(client, { state, challenge, callbackUrl, ...(scopes && { scopes }) }),
    expires_at: expiresAt.toISOString(),
  };
}

/** What became of a link. `unknown` has no address to go back to: the answer is a page of ours. */
export type LinkOutcome =
  | { kind: 'unknown' }
  /** The tokens are to be sealed and the connection made; then the browser goes to `resultRedirect`. */
  | { kind: 'connected'; link: ConnectLink; tokens: Tokens }
  | { kind: 'denied' | 'error'; link: ConnectLink; error: string };

/** Answers the provider's callback, once for each state: whatever the outcome is, the state is used up. */
export async function finishConnectLink(
  states: LinkStates,
  client: OAuthClient,
  callback: { parameters: Readonly<Record<string, unknown>>; callbackUrl: string; now: Date },
): Promise<LinkOutcome> {
  const { parameters, callbackUrl, now } = callback;
  const taken = await takeLink(states, { state: parameters.state, serverId: client.serverId, now });
  if (!taken) return { kind: 'unknown' };
  const { link, verifier } = taken;
  if (taken.expired) return { kind: 'error', link, error: 'link_expired' };
  if (parameters.error !== undefined) return refusal(link, parameters.error);
  const { code } = parameters;
  if (typeof code !== 'string' || code === '') return { kind: 'error', link, error: 'provider_rejected' };
  try {
    return { kind: 'connected', link, tokens: await exchangeCode(client, { code, verifier, callbackUrl, now }) };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return { kind: 'error', link, error: error.code };
  }
}

/** The provider's own code goes on only if it looks like one: the callback can be called by anybody. */
function refusal(link: ConnectLink, error: unknown): LinkOutcome {
  if (error === 'access_denied') return { kind: 'denied', link, error };
  const isCode = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error);
  return { kind: 'error', link, error: isCode ? error : 'provider_rejected' };
}

export type LinkResult = { status: 'connected'; connection_id: string } | { status: 'denied' | 'error'; error: string };

/** The app's address with the outcome. Its own parameters stay, except where they would pass for ours. */
export function resultRedirect(redirectUri: string, result: LinkResult): string {
  const url = new URL(redirectUri);
  for (const name of ['status', 'connection_id', 'error']) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value);
  return url.href;
}
