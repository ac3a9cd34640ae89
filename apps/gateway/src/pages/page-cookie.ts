import { fastifyCookie } from '@fastify/cookie';

/** A session's cookie lives a little longer than its link, so that a late reload still says what became of it. */
const GRACE_MS = 60 * 60 * 1000;

const nameOf = (sid: string): string => `lk_${sid}`;

export const pagePath = (sid: string): string => `/link/s/${sid}`;

interface CookieTerms {
  expires_at: string;
  secure: boolean;
}

/** A cookie is bound to its session's own path: sessions in two tabs do not meet, and no other page is sent the token. */
const forSession = (sid: string, { expires_at, secure }: CookieTerms) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  secure,
  path: pagePath(sid),
  maxAge: Math.max(60, Math.ceil((Date.parse(expires_at) + GRACE_MS - Date.now()) / 1000)),
});

export const pageCookie = (sid: string, token: string, terms: CookieTerms): string =>
  fastifyCookie.serialize(nameOf(sid), token, forSession(sid, terms));

/** Marks a device that the person only went on at: the app to go back to is at the other one. Opening the link itself ends that. */
const GUEST = '.guest';

export const guestCookie = (sid: string, token: string, terms: CookieTerms): string =>
  pageCookie(sid, token + GUEST, terms);

const valueOf = (header: string | undefined, sid: string): string | undefined =>
  fastifyCookie.parse(header ?? '')[nameOf(sid)];

export const tokenFromCookie = (header: string | undefined, sid: string): string | undefined =>
  valueOf(header, sid)?.replace(GUEST, '');

export const isGuest = (header: string | undefined, sid: string): boolean =>
  valueOf(header, sid)?.endsWith(GUEST) ?? false;
