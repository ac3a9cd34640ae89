import type { Tenant } from './envelope.js';
import type { ProviderName } from './link-session.js';

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

export type ConnectionCommand =
  | ({
      type: 'RecordLink';
      id: string;
      short_id: string;
      user_id: string;
      session_id: string;
      now: string;
    } & LinkedBank &
      Tenant)
  | { type: 'RecordRelink'; session_id: string; outcome: 'repaired' | 'already_healthy'; now: string }
  | { type: 'ReceiveWebhook'; delivery: Delivery; effect: WebhookEffect; now: string }
  | { type: 'AccessCredential'; purpose: CredentialPurpose; now: string }
  | { type: 'Disconnect'; reason: string; now: string };

export type WebhookEffect = 'login_required' | 'login_repaired' | 'none';
export type CredentialPurpose = 'relink' | 'verify_relink' | 'remove' | 'sandbox_require_login';

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
      type: 'ConnectionLinked';
      id: string;
      short_id: string;
      user_id: string;
      session_id: string;
      at: string;
    } & LinkedBank &
      Tenant)
  | { type: 'ConnectionReauthRequired'; code: string; message: string; at: string }
  | { type: 'ConnectionRelinked'; session_id: string; outcome: 'repaired' | 'already_healthy'; at: string }
  /** The provider itself says that the sign-in works again. */
  | { type: 'ConnectionRepaired'; at: string }
  | ({ type: 'WebhookReceived'; at: string } & Delivery)
  | { type: 'CredentialAccessed'; purpose: CredentialPurpose; at: string }
  | { type: 'ConnectionDisconnected'; reason: string; at: string };

export interface ConnectionView extends Tenant {
  id: string;
  short_id: string;
  user_id: string;
  provider: ProviderName;
  provider_item_id: string;
  accounts_fingerprint: string | null;
  institution_id: string | null;
  institution_name: string | null;
  state: ConnectionState;
  error_code: string | null;
  error_message: string | null;
  created_at: string;
  updated_at: string;
  revoked_at: string | null;
}

/** A connection beside the name of its owner, as the household surface lists it. */
export interface OwnedConnection extends ConnectionView {
  user_name: string | null;
}

export type HouseholdStatus = 'active' | 'error' | 'pending_reauth' | 'disconnected';

export const householdStatus: Record<ConnectionState, HouseholdStatus> = {
  connected: 'active',
  error: 'error',
  needs_reauth: 'pending_reauth',
  revoked: 'disconnected',
};
