import { createHash } from 'node:crypto';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { SESSION_SECONDS } from '#contracts/operator.js';

/** Lax, so that a link from elsewhere to the dashboard finds its reader signed in; every change asks for more (forms.ts). */
const common = { httpOnly: true, sameSite: 'lax', path: '/admin' } as const;
const SESSION = 'lk_admin';
const FORM = 'lk_form';
const TOKEN = /^[\w-]{43}$/;

export const sessionCookie = (token: string, secure: boolean): string =>
  fastifyCookie.serialize(SESSION, token, { ...common, secure, maxAge: SESSION_SECONDS });

export const endOfSessionCookie = (secure: boolean): string =>
  fastifyCookie.serialize(SESSION, '', { ...common, secure, maxAge: 0 });

/** Binds the forms of somebody who has not signed in yet to this browser. */
export const formCookie = (token: string, secure: boolean): string =>
  fastifyCookie.serialize(FORM, token, { ...common, secure, maxAge: 60 * 60 });

export const sessionTokenOf = (request: FastifyRequest): string | undefined => tokenOf(request, SESSION);
export const formTokenOf = (request: FastifyRequest): string | undefined => tokenOf(request, FORM);

/** The token that the forms of this cookie's holder carry: another site can neither read the cookie nor this. */
export const csrfOf = (cookie: string): string =>
  createHash('sha256').update(`latchkey form ${cookie}`).digest('base64url');

function tokenOf({ headers }: FastifyRequest, name: string): string | undefined {
  const token = fastifyCookie.parse(headers.cookie ?? '')[name];
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}
