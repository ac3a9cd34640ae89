import type { Tenant } from './envelope.js';

export const platformScopes = [
  'connections:read',
  'connections:write',
  'servers:read',
  'sessions:read',
  'sessions:create',
  'keys:write',
] as const;
export type PlatformScope = (typeof platformScopes)[number];
export type HouseholdScope = 'read_only' | 'full_access';

/** A household key has one scope; a platform key holds any set. */
export type KeyScope = HouseholdScope | PlatformScope;

/** What may be known of a key; all of it follows from the key itself. */
export interface KeyIdentity {
  id: string;
  short_id: string;
  key_hash: string;
  key_prefix: string;
}

export interface KeyTerms extends KeyIdentity, Tenant {
  kind: 'household' | 'platform';
  name: string;
  scopes: KeyScope[];
  actor_name: string | null;
  /** CIDRs from which the key may be used; absent or empty is from anywhere. */
  allowed_ips?: string[];
  created_by: string;
  expires_at: string | null;
}

/** Why requests with a key were refused; `mistyped`: nothing but the beginning was that of the key. */
export type KeyRefusal = 'revoked' | 'expired' | 'address' | 'mistyped';

export type KeyCommand =
  | { type: 'CreateKey'; terms: KeyTerms; now: string }
  | { type: 'RenameKey'; name: string; now: string }
  | { type: 'RotateKey'; successor: KeyIdentity; created_by: string; grace_seconds: number; now: string }
  | { type: 'RevokeKey'; now: string }
  | { type: 'NoteRefusals'; reason: KeyRefusal; count: number; first_at: string; last_at: string; now: string };

export type KeyEvent =
  | ({ type: 'KeyCreated'; at: string } & KeyTerms)
  | { type: 'KeyRenamed'; name: string; at: string }
  /** The key lives on until `retires_at`. Whoever reads this may create the successor: its terms are all here. */
  | { type: 'KeyRotated'; successor: KeyTerms; retires_at: string; at: string }
  /** `since`: it was dead already, by a grace that had run out, when this was written. */
  | { type: 'KeyRevoked'; since?: string; at: string }
  /**
   * Requests with this key were refused, so many between `first_at` and `last_at`; nothing changed, but it is worth knowing.
   * Events of earlier versions have no `last_at`: it was their `at`.
   */
  | { type: 'KeyRefused'; reason: KeyRefusal; count: number; first_at: string; last_at?: string; at: string };

export interface KeyView extends Omit<KeyTerms, 'key_hash' | 'allowed_ips'> {
  allowed_ips: string[];
  created_at: string;
  /** Once the key was rotated: when its grace ends, never later than its own expiry. */
  retires_at: string | null;
  /** The key that took its place. */
  successor_id: string | null;
  revoked_at: string | null;
}

/** A key beside the moment of its last use, which is no fact of its stream. At most a minute old. */
export interface UsedKey extends KeyView {
  last_used_at: string | null;
}

/** A key was used, at this moment the last time. */
export interface KeyUse {
  key_id: string;
  at: string;
}

/** Refused requests that one gateway has counted together: the first of them says where they came from. */
export interface RefusedUses {
  /** The key; or, when only its beginning is known, that. */
  key: { id: string } | { prefix: string };
  reason: KeyRefusal;
  count: number;
  first_at: string;
  last_at: string;
  address: string;
  request_id: string;
  /** Names this count, so that it is recorded once. */
  command_id: string;
}

/** What a gateway keeps of a key it has verified. */
export type VerifiedKey = Pick<
  KeyView,
  | 'id'
  | 'project_id'
  | 'environment'
  | 'kind'
  | 'name'
  | 'key_prefix'
  | 'scopes'
  | 'actor_name'
  | 'allowed_ips'
  | 'expires_at'
  | 'retires_at'
  | 'revoked_at'
>;
