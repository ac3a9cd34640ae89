import type { AuthType } from './api/servers.js';
import type { Json } from './connection-metadata.js';
import type { Tenant } from './envelope.js';
import type { ProviderName } from './link-session.js';
import type { PersonalTextErased } from './personal-text.js';

/** Internal state; each surface has its own word for it (docs/decisions/0004). */
export type ConnectionState = 'connected' | 'needs_reauth' | 'error' | 'revoked';

/** What is known of a bank connection when it is made. No secret. */
export interface LinkedBank {
  provider: ProviderName;
  provider_item_id: string;
  institution_id: string | null;
  institution_name: string | null;
  /** Digests of the accounts, to tell on a relink whether they are the same ones; null when not known yet. */
  accounts_fingerprint: string | null;
}

/** What a relink has shown. */
export interface RelinkedBank {
  outcome: 'repaired' | 'already_healthy';
  /** Only where the connection has none: the accounts could not be read when it was linked. */
  accounts_fingerprint?: string;
}

/** What a caller may say of a connection besides its secret. On a rotation, absent fields stay as they are. */
export interface ConnectionTerms {
  display_name?: string;
  connection_metadata?: Json;
}

/** A credential that lies in the vault already, under this version of the connection's own count. */
export interface StoredCredential extends ConnectionTerms {
  credential_version: number;
  cert_metadata: Json;
  /** Of OAuth only, as are the two below: what the provider said of the account. */
  metadata?: Json;
  /** When the tokens are to be refreshed; null when they do not end. */
  token_refresh_at?: string | null;
  /** When they end for good; null when they can be refreshed. */
  expires_at?: string | null;
}

/** Of whom a connection is: one per project, environment, server and user. */
export interface ConnectionPlace extends Tenant {
  server_id: string;
  /** The caller's own name for an end user; null for the whole project. */
  user_id: string | null;
}

export type ConnectionCommand =
  /** Creates the connection or, when it is live, replaces its credential. */
  | ({
      type: 'StoreCredential';
      id: string;
      short_id: string;
      auth_type: AuthType;
      now: string;
    } & ConnectionPlace &
      StoredCredential)
  /** null removes a key. */
  | { type: 'MergeMetadata'; changes: Json; now: string }
  /** In place of `from_version`, with which the secret was compared, and which stays valid for the grace. */
  | { type: 'SetWebhookSecret'; version: number; from_version: number | null; grace_seconds: number; now: string }
  | { type: 'Delete'; now: string }
  | ({
      type: 'RecordLink';
      id: string;
      short_id: string;
      user_id: string;
      session_id: string;
      now: string;
    } & LinkedBank &
      Tenant)
  | ({ type: 'RecordRelink'; session_id: string; now: string } & RelinkedBank)
  | { type: 'ReceiveWebhook'; delivery: Delivery; effect: WebhookEffect; now: string }
  /** The provider gave new tokens for those of `from_version`; they lie in the vault already. */
  | {
      type: 'RecordRefresh';
      from_version: number;
      credential_version: number;
      token_refresh_at: string | null;
      now: string;
    }
  /** The tokens of this version can never be refreshed again. */
  | { type: 'Expire'; version: number; now: string }
  | { type: 'AccessCredential'; purpose: CredentialPurpose; now: string }
  | { type: 'Disconnect'; reason: string; now: string };

export type WebhookEffect = 'login_required' | 'login_repaired' | 'provider_error' | 'none';
export type CredentialPurpose = 'relink' | 'verify_relink' | 'remove' | 'sandbox_require_login' | 'oauth_tokens';

/** One delivery of a provider, after its signature was verified. The body is not kept. */
export interface Delivery {
  delivery_id: string;
  kind: string;
  code: string;
  size: number;
  sha256: string;
}

export type ConnectionEvent =
  | ({
      type: 'ConnectionCreated';
      id: string;
      short_id: string;
      auth_type: AuthType;
      display_name: string | null;
      connection_metadata: Json;
      cert_metadata: Json;
      credential_version: number;
      metadata?: Json;
      token_refresh_at?: string | null;
      expires_at?: string | null;
      at: string;
    } & ConnectionPlace)
  | ({ type: 'CredentialRotated'; at: string } & StoredCredential)
  /** The whole of the operator's metadata, as it is from now on. */
  | { type: 'MetadataChanged'; connection_metadata: Json; at: string }
  /** The version before, when there was one, is accepted until `previous_until`. */
  | { type: 'WebhookSecretSet'; version: number; previous: number | null; previous_until: string | null; at: string }
  | { type: 'ConnectionDeleted'; at: string }
  | ({
      type: 'ConnectionLinked';
      id: string;
      short_id: string;
      user_id: string;
      session_id: string;
      at: string;
    } & LinkedBank &
      Tenant)
  | { type: 'ConnectionReauthRequired'; code: string; message: string; at: string }
  | ({ type: 'ConnectionRelinked'; session_id: string; at: string } & RelinkedBank)
  /** The credential is none the worse for it: the provider has trouble with the bank, or with this login. */
  | { type: 'ProviderErrorReported'; code: string; message: string; at: string }
  /** The provider itself says that the sign-in works again. */
  | { type: 'ConnectionRepaired'; at: string }
  | ({ type: 'WebhookReceived'; at: string } & Delivery)
  | { type: 'CredentialRefreshed'; credential_version: number; token_refresh_at: string | null; at: string }
  /** For good: whoever wants it back makes a new one. */
  | { type: 'ConnectionExpired'; code: string; message: string; at: string }
  | { type: 'CredentialAccessed'; purpose: CredentialPurpose; at: string }
  | { type: 'ConnectionDisconnected'; reason: string; at: string }
  | PersonalTextErased;

export interface ConnectionView extends ConnectionPlace {
  id: string;
  short_id: string;
  auth_type: AuthType;
  display_name: string | null;
  /** Written by OAuth and provider flows. */
  metadata: Json;
  /** The operator's own. */
  connection_metadata: Json;
  cert_metadata: Json;
  /** Which version in the vault is the live one; null for banks, whose credential has a place of its own. */
  credential_version: number | null;
  webhook_version: number | null;
  webhook_previous: number | null;
  webhook_previous_until: string | null;
  /** Null unless it is a bank's that was linked on the hosted page, as are the four below. */
  provider: ProviderName | null;
  provider_item_id: string | null;
  accounts_fingerprint: string | null;
  institution_id: string | null;
  institution_name: string | null;
  state: ConnectionState;
  error_code: string | null;
  error_message: string | null;
  created_at: string;
  connected_at: string | null;
  updated_at: string;
  revoked_at: string | null;
  expires_at: string | null;
  /** When its OAuth tokens are to be refreshed; null for all others. */
  token_refresh_at: string | null;
}

/** A bank that was linked on the hosted page: the only connections the household knows. */
export interface BankConnection extends ConnectionView {
  user_id: string;
  provider: ProviderName;
  provider_item_id: string;
}

export const isBank = (view: ConnectionView): view is BankConnection => view.provider !== null;

/** A connection beside the name of its owner, as the household surface lists it. */
export interface OwnedConnection extends BankConnection {
  user_name: string | null;
}

export type HouseholdStatus = 'active' | 'error' | 'pending_reauth' | 'disconnected';

export const householdStatus: Record<ConnectionState, HouseholdStatus> = {
  connected: 'active',
  error: 'error',
  needs_reauth: 'pending_reauth',
  revoked: 'disconnected',
};
