import { z } from 'zod';
import type { Json } from '#contracts/connection-metadata.js';
import type { Tokens } from './tokens.js';

const MOST_AHEAD_MS = 5 * 60 * 1000;

const stored = z.object({
  access_token: z.string(),
  refresh_token: z.string().nullable(),
  obtained_at: z.coerce.date(),
  expires_at: z.coerce.date().nullable(),
  scope: z.string().nullable(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

/** Tokens as the vault keeps them. */
export const toSecret = (tokens: Tokens): string =>
  JSON.stringify({
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    obtained_at: tokens.obtainedAt,
    expires_at: tokens.expiresAt,
    scope: tokens.scope,
    metadata: tokens.metadata,
  });

export function fromSecret(secret: string): Tokens {
  const { access_token, refresh_token, obtained_at, expires_at, scope, metadata } = stored.parse(JSON.parse(secret));
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    obtainedAt: obtained_at,
    expiresAt: expires_at && new Date(expires_at),
    scope,
    metadata,
  };
}

/** When to refresh: with a fifth of their life left, five minutes at most; at the very end without a refresh token. */
export function refreshAt({ expiresAt, obtainedAt, refreshToken }: Tokens): Date | null {
  if (expiresAt === null || refreshToken === null) return expiresAt;
  const aheadMs = Math.min(MOST_AHEAD_MS, (expiresAt.getTime() - obtainedAt.getTime()) / 5);
  return new Date(expiresAt.getTime() - aheadMs);
}

/** What the connection may show of them. */
export const shownOf = (tokens: Tokens, shop: string | null): Json => ({
  ...tokens.metadata,
  ...(tokens.scope !== null && { scope: tokens.scope }),
  ...(shop !== null && { shop }),
});
