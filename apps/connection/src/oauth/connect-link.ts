import { authorizeUrl, type OAuthClient } from './client.js';
import { type ConnectLink, type LinkStates, openLink, takeLink } from './link-state.js';
import { newPkce } from './pkce.js';
import { atShop } from './shop.js';
import { exchangeCode, OAuthError, type Tokens } from './tokens.js';

export interface StartedConnectLink {
  authorize_url: string;
  expires_at: string;
}

/** Opens a link of ten minutes under a new state. */
export async function startConnectLink(
  states: Pick<LinkStates, 'put'>,
  client: OAuthClient,
  start: { link: Omit<ConnectLink, 'serverId'>; state: string; scopes?: readonly string[]; now: Date },
): Promise<StartedConnectLink> {
  const { link, state, scopes, now } = start;
  const { verifier, challenge } = newPkce();
  const placed = atShop(client, link.shop);
  const expiresAt = await openLink(states, { ...link, serverId: client.serverId }, { state, verifier, now });
  const { callbackUrl } = link;
  return {
    authorize_url: authorizeUrl(placed, { state, challenge, callbackUrl, ...(scopes && { scopes }) }),
    expires_at: expiresAt.toISOString(),
  };
}

/** What became of a link. `unknown` has no address to go back to: the answer is a page of ours. */
export type LinkOutcome =
  | { kind: 'unknown' }
  /** The tokens are to be sealed and the connection made; then the browser goes to `resultRedirect`. */
  | { kind: 'connected'; stateHash: string; link: ConnectLink; tokens: Tokens }
  | { kind: 'denied' | 'error'; stateHash: string; link: ConnectLink; error: string };

/** Answers the provider's callback, once for each state: whatever the outcome is, the state is used up. */
export async function finishConnectLink(
  states: Pick<LinkStates, 'take'>,
  client: OAuthClient,
  callback: { parameters: Readonly<Record<string, unknown>>; now: Date },
): Promise<LinkOutcome> {
  const { parameters, now } = callback;
  const codeFor = (link: ConnectLink) => codeIn(parameters, link);
  const taken = await takeLink(states, { state: parameters.state, serverId: client.serverId, now, codeFor });
  if (!taken) return { kind: 'unknown' };
  const { stateHash, link, received } = taken;
  const failed = (error: string): LinkOutcome => ({ kind: 'error', stateHash, link, error });
  if (taken.expired) return failed('link_expired');
  if (parameters.error === 'access_denied') return { kind: 'denied', stateHash, link, error: 'access_denied' };
  if (parameters.error !== undefined) return failed(shownCode(parameters.error));
  if (!received) return failed('provider_rejected');
  try {
    const { callbackUrl, shop } = link;
    const tokens = await exchangeCode(atShop(client, shop), { ...received, callbackUrl, now });
    return { kind: 'connected', stateHash, link, tokens };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return failed(error.code);
  }
}

/** Null where the provider said no, and where it is not about this link. */
function codeIn({ code, error, ...more }: Readonly<Record<string, unknown>>, link: ConnectLink): string | null {
  const isThere = error === undefined && typeof code === 'string' && code !== '';
  return isThere && isFromShop(link, more) ? code : null;
}

/** Another shop than the one that the link is for would give us its tokens. */
const isFromShop = ({ shop }: ConnectLink, parameters: Readonly<Record<string, unknown>>): boolean =>
  shop === null || parameters.shop === `${shop}.myshopify.com`;

/** What we say ourselves of a link; from a callback it would pass for that, and would be acted on. */
const OUR_CODE = /^(link_expired|code_expired|unavailable|provider_.*)$/;

/** The provider's own code goes on only if it looks like one: the callback can be called by anybody. */
const shownCode = (error: unknown): string =>
  typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) && !OUR_CODE.test(error) ? error : 'provider_rejected';

export type LinkResult = { status: 'connected'; connection_id: string } | { status: 'denied' | 'error'; error: string };

/** The app's address with the outcome. Its own parameters stay, except where they would pass for ours. */
export function resultRedirect(redirectUri: string, result: LinkResult): string {
  const url = new URL(redirectUri);
  for (const name of ['status', 'connection_id', 'error']) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value);
  return url.href;
}
