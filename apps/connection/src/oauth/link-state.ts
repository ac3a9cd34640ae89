import { hkdfSync } from 'node:crypto';
import { decrypt, encrypt } from '#contracts/cipher.js';
import type { Tenant } from '#contracts/envelope.js';
import { hashSecret } from '#contracts/secrets.js';

export const LINK_LIFE_MS = 10 * 60 * 1000;

/** Everything that a Connect Link is for. None of it is ever read from the browser. */
export interface ConnectLink {
  tenant: Tenant;
  userId: string;
  serverId: string;
  /** Where the browser goes in the end: the app's own address. */
  redirectUri: string;
  /** Ours, as the provider was told it. */
  callbackUrl: string;
  /** At Shopify, the shop; null elsewhere. */
  shop: string | null;
}

/** What is stored of a link. Neither the state nor the verifier can be found out from it. */
export interface LinkStateRow extends ConnectLink {
  /** SHA-256 of the state, in hex. */
  stateHash: string;
  /** The PKCE verifier, encrypted to the state and bound to the link. */
  sealedVerifier: string;
  expiresAt: Date;
}

export interface LinkStates {
  put(row: LinkStateRow): Promise<void>;
  /**
   * Uses the state up and keeps the code that `read` finds received, in one step: whoever dies leaves a link that is open or
   * that can be finished. Of two at once, one gets it. Another server's stays as it is.
   */
  take(stateHash: string, serverId: string, read: (row: LinkStateRow) => TakenLink): Promise<TakenLink | null>;
}

/** All that it takes to ask for the tokens. */
export interface ReceivedCode {
  code: string;
  verifier: string;
}

/** Stores a new link under its state; answers when it ends. */
export async function openLink(
  states: Pick<LinkStates, 'put'>,
  link: ConnectLink,
  { state, verifier, now }: { state: string; verifier: string; now: Date },
): Promise<Date> {
  const expiresAt = new Date(now.getTime() + LINK_LIFE_MS);
  await states.put({ ...link, stateHash: hashSecret(state), sealedVerifier: seal(state, link, verifier), expiresAt });
  return expiresAt;
}

export interface TakenLink {
  stateHash: string;
  link: ConnectLink;
  expired: boolean;
  /** Null when it was too late or brought no code. */
  received: ReceivedCode | null;
}

/** The link of a state, once, with the code that it came back with; null for an unknown or used state and for another server's. */
export async function takeLink(
  states: Pick<LinkStates, 'take'>,
  callback: { state: unknown; serverId: string; now: Date; codeFor: (link: ConnectLink) => string | null },
): Promise<TakenLink | null> {
  const { state, serverId, now, codeFor } = callback;
  if (!isState(state)) return null;
  const stateHash = hashSecret(state);
  return states.take(stateHash, serverId, (row) => {
    const { tenant, userId, redirectUri, callbackUrl, shop } = row;
    const link = { tenant, userId, serverId, redirectUri, callbackUrl, shop };
    const verifier = unseal(state, link, row.sealedVerifier);
    const expired = row.expiresAt <= now;
    const code = expired ? null : codeFor(link);
    return { stateHash, link, expired, received: code === null ? null : { code, verifier } };
  });
}

/** Whether it has the form of one. */
export const isState = (text: unknown): text is string => typeof text === 'string' && /^[\w-]{43}$/.test(text);

/** The database holds no state, so what is encrypted to the state cannot be read from the database. */
const keyOf = (state: string): Buffer => Buffer.from(hkdfSync('sha256', state, '', 'connect-link-verifier', 32));

/** A row that was changed does not open: the link is authenticated along with the verifier. */
const additionalData = ({ tenant, ...link }: ConnectLink): Buffer => {
  const { userId, serverId, redirectUri, callbackUrl, shop } = link;
  const place = [tenant.project_id, tenant.environment, userId, serverId];
  return Buffer.from(JSON.stringify([...place, redirectUri, callbackUrl, shop]));
};

const seal = (state: string, link: ConnectLink, verifier: string): string =>
  encrypt(keyOf(state), Buffer.from(verifier), additionalData(link)).toString('base64url');

const unseal = (state: string, link: ConnectLink, sealed: string): string =>
  decrypt(keyOf(state), Buffer.from(sealed, 'base64url'), additionalData(link)).toString();
