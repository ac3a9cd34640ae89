import { isUtf8 } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { DomainError } from '#contracts/errors.js';
import type { GatewayConfig } from '../config.js';
import { publicBase } from '../public-base.js';
import { rawBodyOf } from '../raw-body.js';
import { callerOf } from '../request-context.js';
import { checkedBody } from '../validation.js';
import { csrfOf } from './cookies.js';
import { placeOf } from './places.js';

type Fields = Record<string, string>;

const parsed = new WeakMap<FastifyRequest, Fields>();

/** The fields of a form as the browser sent them; of a field that comes twice the last one. */
export function fieldsOf(request: FastifyRequest): Fields {
  const known = parsed.get(request);
  if (known) return known;
  const raw = rawBodyOf(request);
  if (raw && !isUtf8(raw)) throw new DomainError('INVALID_BODY', 'The form is not valid UTF-8.');
  const fields = Object.fromEntries(new URLSearchParams(raw?.toString() ?? ''));
  parsed.set(request, fields);
  return fields;
}

export const formOf = <S extends z.ZodType>(request: FastifyRequest, schema: S): z.output<S> =>
  checkedBody(schema, fieldsOf(request));

/**
 * Lets a form through only if one of our own pages sent it: its Origin, where the browser names one, is ours, and it
 * carries the token that belongs to the cookie.
 */
export function refuseForgery(request: FastifyRequest, config: GatewayConfig, cookie: string | undefined): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const foreign =
    (origin !== undefined && !ownOrigins(request, config).includes(origin)) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  const sent = Buffer.from(fieldsOf(request)['csrf'] ?? '');
  const expected = Buffer.from(cookie === undefined ? '' : csrfOf(cookie));
  const fits = expected.length > 0 && sent.length === expected.length && timingSafeEqual(sent, expected);
  if (foreign || !fits) throw outOfDate();
}

/** A form acts in the project and environment that its page was shown for. The cookie may name another one since. */
export function refuseOtherPlace(request: FastifyRequest): void {
  if (fieldsOf(request)['shown_for'] !== placeOf(callerOf(request).tenant)) throw outOfDate();
}

const outOfDate = () =>
  new DomainError('FORBIDDEN', 'This form is out of date, or came from another site. Load the page again.');

/** Where people reach the dashboard: at the public address, and on this machine itself. */
function ownOrigins(request: FastifyRequest, config: GatewayConfig): string[] {
  const direct = publicBase(request, { ...config, PUBLIC_BASE_URL: undefined });
  return [publicBase(request, config), direct].map((base) => new URL(base).origin);
}

/** Somewhere in the dashboard; anything else, another site above all, becomes its start. So does a way that leads back out. */
export const placeToGo = (wish: string | undefined): string =>
  wish !== undefined && /^\/admin(\/[\w./-]*)?(\?[\w.=&%:+-]*)?$/.test(wish) && !/\/\/|\.\./.test(wish)
    ? wish
    : '/admin';
