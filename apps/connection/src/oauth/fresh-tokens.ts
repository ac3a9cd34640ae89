import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { refreshAt } from './stored-tokens.js';
import { OAuthError, TOKEN_DEADLINE_MS, type Tokens } from './tokens.js';

/** Longer than a refresh can take, so that it never ends under a holder that lives. */
const LEASE_MS = TOKEN_DEADLINE_MS + 12_000;
const POLL_MS = 100;

export interface StoredTokens {
  tokens: Tokens;
  /** Changes with every change of the credential: a rotation by hand, a new link, a refresh. */
  version: string;
}

export interface TokenStore {
  /** Null when the connection is not live. Each time is an entry on the connection's timeline. */
  read(connectionId: string): Promise<StoredTokens | null>;
  /** Which version `read` would open; null when the connection is not live. Opens nothing. */
  version(connectionId: string): Promise<string | null>;
  /**
   * Stores refreshed tokens, which exist nowhere else: worth its own retries. Answers false, and nothing happens, unless the version is still this one and the connection lives.
   */
  replace(connectionId: string, version: string, tokens: Tokens): Promise<boolean>;
  /** Makes the connection expired, unless its credential is another one by now. */
  expire(connectionId: string, version: string): Promise<void>;
  /** One row per connection: true when it is free, lapsed or the holder's own. */
  takeLease(connectionId: string, holder: string, milliseconds: number): Promise<boolean>;
  dropLease(connectionId: string, holder: string): Promise<void>;
}

/** Null, and the provider hears nothing, when the credential is not this version any more. */
export type Refresh = (connectionId: string, old: OldTokens) => Promise<Tokens | null>;

/** What is exchanged for new tokens, and the version of the credential that it is part of. */
export interface OldTokens {
  refreshToken: string;
  version: string;
}

export interface FreshTokensOptions {
  store: TokenStore;
  refresh: Refresh;
  now?: () => Date;
  /** Whether only this process has what the provider gave: nobody else may ask for tokens of this connection then. */
  isInHand?: (connectionId: string) => boolean;
  /** How long to wait for a refresh by another replica when the old token is over already. */
  waitMs?: number;
}

/** Answers tokens that still live; null when the connection does not. Throws OAuthError when there are none to be had. */
export type FreshTokens = (connectionId: string) => Promise<Tokens | null>;

/**
 * Tokens are refreshed when a fifth of their life is left, five minutes at most, by one caller for all: a refresh token is
 * good once, so two at a time would end the connection. Within this process the others wait for the same promise, and share
 * one opening of the credential; across replicas they wait for the lease.
 */
export function freshTokens({
  store,
  refresh,
  now = () => new Date(),
  isInHand = () => false,
  waitMs = LEASE_MS,
}: FreshTokensOptions): FreshTokens {
  const flights = new Map<string, Promise<Tokens | null>>();
  const turn = { store, refresh, now, isInHand, waitMs, holder: randomUUID() };
  return (connectionId) => {
    const flight =
      flights.get(connectionId) ?? openFresh(turn, connectionId).finally(() => flights.delete(connectionId));
    flights.set(connectionId, flight);
    return flight;
  };
}

interface Turn extends Required<FreshTokensOptions> {
  /** Of leases: this replica. */
  holder: string;
}

async function openFresh(turn: Turn, connectionId: string): Promise<Tokens | null> {
  const stored = await turn.store.read(connectionId);
  if (!stored || isFresh(stored.tokens, turn.now())) return stored?.tokens ?? null;
  return inTurn(turn, connectionId, stored);
}

/** Takes the lease and refreshes; while another replica holds it, what that one stored or what still lives is the answer. */
async function inTurn(turn: Turn, connectionId: string, opened: StoredTokens): Promise<Tokens | null> {
  const { store, now, waitMs, holder } = turn;
  const waitUntil = performance.now() + waitMs;
  let stored: StoredTokens | null = opened;
  while (!(await store.takeLease(connectionId, holder, LEASE_MS))) {
    if ((await store.version(connectionId)) !== stored.version) stored = await store.read(connectionId);
    if (!stored || isAlive(stored.tokens, now())) return stored?.tokens ?? null;
    if (performance.now() >= waitUntil) throw new OAuthError('provider_unreachable');
    await delay(POLL_MS);
  }
  try {
    return await underLease(turn, connectionId);
  } finally {
    // A lease that cannot be given back lapses by itself; until then this replica itself may take it again.
    if (!turn.isInHand(connectionId)) await store.dropLease(connectionId, holder).catch(() => undefined);
  }
}

async function underLease(turn: Turn, connectionId: string): Promise<Tokens | null> {
  const { store, now } = turn;
  const stored = await store.read(connectionId);
  if (!stored || isFresh(stored.tokens, now())) return stored?.tokens ?? null;
  const next = await refreshedOrKept(turn, connectionId, stored);
  if (next === stored.tokens) return next;
  if (next && (await store.replace(connectionId, stored.version, next))) return next;
  // Somebody set another credential or revoked the connection meanwhile: what stands there now is the truth.
  return (await store.read(connectionId))?.tokens ?? null;
}

/** A refresh that fails for a reason that can pass does no harm as long as the access token lives. */
async function refreshedOrKept(
  turn: Turn,
  connectionId: string,
  { tokens, version }: StoredTokens,
): Promise<Tokens | null> {
  const { refreshToken } = tokens;
  try {
    if (refreshToken === null) throw new OAuthError('refresh_token_dead');
    return await turn.refresh(connectionId, { refreshToken, version });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    if (error.code === 'refresh_token_dead') await turn.store.expire(connectionId, version);
    else if (isAlive(tokens, turn.now())) return tokens;
    throw error;
  }
}

const isAlive = ({ expiresAt }: Tokens, now: Date): boolean => expiresAt === null || expiresAt > now;

/** Alive for long enough; without a refresh token nothing can be done before the end. */
function isFresh(tokens: Tokens, now: Date): boolean {
  const refresh = refreshAt(tokens);
  return refresh === null || refresh > now;
}
