import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

export const LINK_LIFE_MS = 10 * 60 * 1000;

/** Everything that a Connect Link is for. None of it is ever read from the browser. */
export interface ConnectLink {
  tenant: { project_id: string; environment: string };
  userId: string;
  serverId: string;
  /** Where the browser goes in the end: the app's own address. */
  redirectUri: string;
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
  /** Removes the row and answers it, in one step: of two at once, one gets it. */
  take(stateHash: string): Promise<LinkStateRow | null>;
}

/** Stores a new link and answers its state, which is given out once: to the caller, and in the authorize address. */
export async function openLink(
  states: LinkStates,
  link: ConnectLink,
  { verifier, now }: { verifier: string; now: Date },
): Promise<{ state: string; expiresAt: Date }> {
  const state = randomBytes(32).toString('base64url');
  const expiresAt = new Date(now.getTime() + LINK_LIFE_MS);
  const { tenant, userId, serverId, redirectUri } = link;
  const sealedVerifier = seal(state, link, verifier);
  await states.put({ tenant, userId, serverId, redirectUri, stateHash: hashOf(state), sealedVerifier, expiresAt });
  return { state, expiresAt };
}

export interface TakenLink {
  link: ConnectLink;
  verifier: string;
  expired: boolean;
}

/** The link of a state, once; null for an unknown or used state and for one of another server. */
export async function takeLink(
  states: LinkStates,
  { state, serverId, now }: { state: unknown; serverId: string; now: Date },
): Promise<TakenLink | null> {
  if (typeof state !== 'string' || !/^[\w-]{43}$/.test(state)) return null;
  const row = await states.take(hashOf(state));
  if (row?.serverId !== serverId) return null;
  const { tenant, userId, redirectUri } = row;
  const link = { tenant, userId, serverId, redirectUri };
  return { link, verifier: unseal(state, link, row.sealedVerifier), expired: row.expiresAt <= now };
}

const hashOf = (state: string): string => createHash('sha256').update(state).digest('hex');

/** The database holds no state, so what is encrypted to the state cannot be read from the database. */
const keyOf = (state: string): Buffer => Buffer.from(hkdfSync('sha256', state, '', 'connect-link-verifier', 32));

/** A row that was changed does not open: the link is authenticated along with the verifier. */
const boundTo = ({ tenant, userId, serverId, redirectUri }: ConnectLink): Buffer =>
  Buffer.from(JSON.stringify([tenant.project_id, tenant.environment, userId, serverId, redirectUri]));

function seal(state: string, link: ConnectLink, verifier: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(state), nonce).setAAD(boundTo(link));
  const text = Buffer.concat([cipher.update(verifier), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
}

function unseal(state: string, link: ConnectLink, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(state), bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(boundTo(link)).setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString();
}
