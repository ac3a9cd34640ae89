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

export interface KeyTerms extends Tenant {
  id: string;
  short_id: string;
  kind: 'household' | 'platform';
  key_hash: string;
  key_prefix: string;
  name: string;
  scopes: KeyScope[];
  actor_name: string | null;
  created_by: string;
  expires_at: string | null;
}

export type KeyCommand = { type: 'CreateKey'; terms: KeyTerms; now: string } | { type: 'RevokeKey'; now: string };

export type KeyEvent = ({ type: 'KeyCreated'; at: string } & KeyTerms) | { type: 'KeyRevoked'; at: string };

export interface KeyView extends Tenant {
  id: string;
  short_id: string;
  kind: 'household' | 'platform';
  name: string;
  key_prefix: string;
  scopes: KeyScope[];
  actor_name: string | null;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
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
  | 'expires_at'
  | 'revoked_at'
>;
