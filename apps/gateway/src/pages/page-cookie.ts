import { fastifyCookie } from '@fastify/cookie';

/** A session's cookie lives a little longer than its link, so that a late reload still says what became of it. */
const GRACE_MS = 60 * 60 * 1000;

const nameOf = (sid: string): string => `lk_${sid}`;

export const pagePath = (sid: string): string => `/link/s/${sid}`;

/** The cookie is bound to its session's own path: sessions in two tabs do not meet, and no other page is sent the token. */
export const pageCookie = (
  sid: string,
  token: string,
  { expires_at, secure }: { expires_at: string; secure: boolean },
) =>
  fastifyCookie.serialize(nameOf(sid), token, {
    httpOnly: true,
    sameSite: 'lax',
    secure,
    path: pagePath(sid),
    maxAge: Math.max(60, Math.ceil((Date.parse(expires_at) + GRACE_MS - Date.now()) / 1000)),
  });

export const tokenFromCookie = (header: string | undefined, sid: string): string | undefined =>
  fastifyCookie.parse(header ?? '')[nameOf(sid)];
