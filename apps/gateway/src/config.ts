import { z } from 'zod';
import { parseRange } from '#contracts/ip-range.js';

const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(',').map((item) => item.trim().toLowerCase()))
    .transform((items) => items.filter((item) => item !== ''));

const origin = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((text) => !text.includes('*'), 'takes no *: name each origin')
  .refine((text) => new URL(text).origin === text.replace(/\/$/, ''), 'must be scheme://host[:port] and nothing more')
  .transform((text) => new URL(text).origin);

/** What cannot stand in a Host header would match none. */
const host = z.string().regex(/^[^/*]+$/, 'must be a host, or host:port, without scheme, path or *');

/** Or one of Fastify's names for groups of addresses. */
const proxy = z
  .string()
  .refine(
    (text) => /^(loopback|linklocal|uniquelocal)$/.test(text) || (parseRange(text) !== null && !text.endsWith('/0')),
    'must be an address or a CIDR of less than all addresses',
  );

/** What the gateway reads from its environment. */
export const gatewayEnv = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** How the outside world reaches this installation; link URLs are built from it. */
  PUBLIC_BASE_URL: origin.optional(),
  /** Without PUBLIC_BASE_URL: hosts (any port) whose requests may shape link URLs. */
  ALLOWED_HOSTS: list('localhost,127.0.0.1,[::1]').pipe(z.array(host)),
  /** Where sessions may redirect to; empty is anywhere. */
  REDIRECT_ORIGINS: list('').pipe(z.array(origin)),
  /** Addresses or CIDRs of proxies whose X-Forwarded-* headers count; empty is none. */
  TRUSTED_PROXIES: list('').pipe(z.array(proxy)),
  /** Requests of one key, per minute and at once; each gateway counts for itself. */
  API_RATE_LIMIT_RPM: z.coerce.number().int().min(1).default(120),
  API_RATE_LIMIT_BURST: z.coerce.number().int().min(1).default(60),
  /** Requests of one address with a key that is wrong, revoked or expired. */
  AUTH_FAIL_LIMIT_RPM: z.coerce.number().int().min(1).default(60),
  /** Wrong sign-ins to the dashboard of one address, and of one account. */
  SIGN_IN_LIMIT_RPM: z.coerce.number().int().min(1).default(10),
  SANDBOX: z.stringbool().default(false),
});

export type GatewayConfig = z.output<typeof gatewayEnv>;

/** Under this name Nest injects the configuration. */
export const CONFIG = 'gateway config';
