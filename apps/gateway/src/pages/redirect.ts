import { parseRedirectUrl } from '#contracts/api/redirect-url.js';
import type { SessionView } from '#contracts/link-session.js';

type Ending = Pick<SessionView, 'status' | 'error_code' | 'redirect_url'>;

/**
 * Where the person goes after the end: only after a good end or one of their own making, for a session that was cancelled
 * or has failed says nothing to the app by way of the person. Null when they stay.
 */
export function leavesTo({ status, error_code, redirect_url }: Ending): URL | null {
  const ended = status === 'completed' || (status === 'failed' && error_code === 'GIVEN_UP');
  return ended && redirect_url !== '' ? checked(redirect_url) : null;
}

/** The address was checked when the link was made; what leaves here is checked again by the same rule. */
function checked(text: string): URL | null {
  const url = parseRedirectUrl(text);
  return url === null ? null : new URL(url);
}

/** The app's address with what it needs to know. Parameters of the same names that were in it give way. */
export function withResult(url: URL, result: { link_session_id: string; status: string; result: string }): string {
  for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value);
  return url.href;
}
