const MAX = 2048;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Where a browser may be sent: absolute https, or http on a loopback host, without user info, at most 2048 characters
 * as it goes on its way, percent-encoded: that is what proxies and browsers have a limit for.
 * Decided on the parsed URL, because browsers read `https:/\evil`, `127.1` and full-width digits in their own way; what
 * comes back is the URL as a browser will understand it. Null when it is refused.
 */
export function parseRedirectUrl(value: string): string | null {
  if (!URL.canParse(value)) return null;
  const url = new URL(value);
  if (url.username !== '' || url.password !== '' || url.href.length > MAX) return null;
  if (url.protocol === 'https:') return url.href;
  return url.protocol === 'http:' && LOOPBACK.test(url.hostname) ? url.href : null;
}
