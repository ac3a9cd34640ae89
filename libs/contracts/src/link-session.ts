import { type Context, personAtLink, type Position, type Tenant } from './envelope.js';
import type { PersonalTextErased } from './personal-text.js';

export type ProviderName = 'plaid' | 'teller';
export type SessionAction = 'link' | 'relink';
export type SessionStatus = 'pending' | 'active' | 'consumed' | 'completed' | 'failed' | 'expired';
/** How an attempt ended well: a new connection, or what the server found out at the provider about an old one. */
export type AttemptOutcome = 'linked' | 'repaired' | 'already_healthy';

/** All that is decided about a session when it is minted. */
export interface SessionTerms extends Tenant {
  id: string;
  short_id: string;
  token_hash: string;
  user_id: string;
  provider: ProviderName | '';
  action: SessionAction;
  /** Only on relink: the connection being re-authenticated. */
  connection_id: string | null;
  single_use: boolean;
  redirect_url: string;
  label: string;
}

export type SessionCommand =
  | { type: 'MintSession'; terms: SessionTerms; ttl_seconds: number; now: string }
  | { type: 'ActivateSession'; now: string }
  /** `connection_id` is the id the connection will have if the attempt succeeds. */
  | { type: 'StartAttempt'; attempt_id: string; provider: ProviderName; connection_id: string; now: string }
  /** Takes the session's one use (or one of many) before the provider is called. */
  | { type: 'ClaimAttempt'; attempt_id: string; now: string }
  | ({ type: 'RefuseAttempt'; attempt_id: string; by: 'page' | 'provider'; now: string } & Refusal)
  | { type: 'SettleAttempt'; attempt_id: string; outcome: AttemptOutcome; now: string }
  | { type: 'FinishSession'; now: string }
  /** Lets one more device in. `code_hash` names the code that it came with: a code is good for one device. */
  | { type: 'HandOver'; code_hash: string; now: string }
  | { type: 'FailSession'; error_code: string; error_message: string; now: string }
  | { type: 'ExpireSession'; now: string };

export interface Refusal {
  code: string;
  message: string;
  /** No other attempt can go better: the session ends with this one. */
  is_final?: boolean;
}

/** Why a link ends whose user was deleted after it was made: a connection would belong to nobody. */
export const userDeleted: Refusal = {
  code: 'USER_DELETED',
  message: 'The user of this link was deleted.',
  is_final: true,
};

/** Why a link to repair a connection ends that was disconnected or deleted after it was made. */
export const connectionGone: Refusal = {
  code: 'CONNECTION_DISCONNECTED',
  message: 'This connection was disconnected meanwhile.',
  is_final: true,
};

/** Why a link to repair a connection ends whose credential is not in the vault any more: no sign-in brings it back. */
export const credentialLost: Refusal = {
  code: 'CREDENTIAL_LOST',
  message: 'The access to this bank was lost on our side.',
  is_final: true,
};

export type SessionEvent =
  | ({ type: 'SessionMinted'; expires_at: string; at: string } & SessionTerms)
  | { type: 'SessionActivated'; at: string }
  | { type: 'AttemptStarted'; attempt_id: string; provider: ProviderName; connection_id: string; at: string }
  | { type: 'AttemptClaimed'; attempt_id: string; at: string }
  | { type: 'AttemptRefused'; attempt_id: string; code: string; message: string; at: string }
  | { type: 'AttemptSucceeded'; attempt_id: string; connection_id: string; outcome: AttemptOutcome; at: string }
  /**
   * A second use of a one-time link was refused: nothing changed, but it is a fact worth knowing. `attempt_id` is "" when
   * the link was only opened again, and when it was a code to go on at another device that came again: `code_hash` names it.
   */
  | { type: 'UseRefused'; attempt_id: string; code_hash?: string; at: string }
  /** The person went on at another device. */
  | { type: 'SessionHandedOver'; code_hash: string; at: string }
  | { type: 'SessionCompleted'; at: string }
  | { type: 'SessionFailed'; error_code: string; error_message: string; at: string }
  | { type: 'SessionExpired'; at: string }
  | PersonalTextErased;

/** A session as the services see it; the gateway turns it into the API's object. */
export interface SessionView extends Omit<SessionTerms, 'token_hash'> {
  status: SessionStatus;
  error_code: string | null;
  error_message: string | null;
  result_connection_ids: string[];
  expires_at: string;
  started_at: string | null;
  completed_at: string | null;
  created_at: string;
  /** Attempts whose outcome is not recorded yet. */
  in_flight: string[];
  /** The newest refusal, for the page; null once something went well. */
  last_refusal: { code: string; message: string } | null;
}

/** How a session went on; nothing follows once it has ended. */
export interface SessionChanges {
  changes: { position: Position; session: SessionView }[];
  ended: boolean;
}

/** What only the hosted page tells of a session. */
export interface PageFacts {
  /** How the newest attempt that went well ended. */
  outcome: AttemptOutcome | null;
  /** How often the person went on at another device. */
  hand_overs: number;
  /** An attempt was started a few minutes ago or less, and neither the person nor the provider has said how it ended. */
  is_trying: boolean;
  /** Of the newest event. */
  position: Position;
}

/** What the hosted page needs to know of its session. */
export interface SessionPage extends PageFacts {
  session: SessionView;
  /** Providers this installation can offer. */
  providers: ProviderName[];
  /** Only on relink. */
  institution_name: string | null;
  /** Who asks; null for the default project until it is given a name, and while nobody can tell. */
  project_name: string | null;
}

/** What the page's script needs to open a provider's dialog. No secret of ours. */
export interface StartedLink {
  attempt_id: string;
  kind: ProviderName;
  script_url: string;
  /** Plaid only. */
  link_token?: string;
  /** Teller only, as are the two below. */
  application_id?: string;
  environment?: string;
  /** Set when an existing enrollment is to be repaired. */
  enrollment_id?: string;
}

/** A page's request belongs to the tenant of its session, and the person at the link makes it. */
export const inTenantOf = ({ project_id, environment, user_id }: SessionView, context: Context): Context => ({
  ...context,
  actor: personAtLink(user_id),
  tenant: { project_id, environment },
});
