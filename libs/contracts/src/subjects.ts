import type { Server } from './api/servers.js';
import type { CredentialVerdict } from './api/credential-checks.js';
import type { PlatformStatus } from './api/platform-connections.js';
import type { AuditChanges, AuditEntry, AuditFilter, AuditNarrowing } from './audit.js';
import type { ExportLine } from './audit-chain.js';
import type { AgentSessionView, SessionReach } from './agent-session.js';
import type { ConnectLinkWish } from './connect-link.js';
import type { ConnectionTerms, ConnectionView, HouseholdStatus, OwnedConnection } from './connection.js';
import type { Erasure, OpenedTexts, TextToOpen } from './erasure.js';
import type { AsOf, Context, LastWrite, Page, Position, Tenant, Written } from './envelope.js';
import type { IdempotencyState } from './idempotency.js';
import type { KeyIdentity, KeyTerms, KeyUse, KeyView, RefusedUses, UsedKey, VerifiedKey } from './key.js';
import type { KeyChanged, KeyForgotten, LeaseAsked, LeaseGranted } from './key-lease.js';
import type {
  AttemptOutcome,
  PageFacts,
  ProviderName,
  Refusal,
  SessionChanges,
  SessionPage,
  SessionStatus,
  SessionTerms,
  SessionView,
  StartedLink,
} from './link-session.js';
import type {
  NewPassword,
  OperatorRole,
  OperatorView,
  PasswordLink,
  PasswordRecipe,
  SignedInOperator,
} from './operator.js';
import type { ProjectView } from './project.js';
import type { ReplayWish, ViewReplay } from './replay.js';
import type { UserView } from './user.js';
import type { VaultStatus } from './vault.js';

/** A read that must see what the caller wrote before: it waits until the view has reached `after`. */
interface Read {
  context: Context;
  after?: Position;
}
interface ById extends Read {
  id: string;
}
/** With `as_of`: what the answer would have been then. */
interface Look extends ById {
  as_of?: AsOf;
}
/** Of the same project; the context's own environment when absent. */
interface OfEnvironments {
  environments?: Tenant['environment'][];
}
interface Command {
  context: Context;
  id: string;
}
/** A page's request: the link token's hash proves that the person holds the link. */
interface FromPage {
  context: Context;
  token_hash: string;
}

/** The bus on one page: every request a service answers, what is asked, what comes back. */
export interface Subjects {
  'key.create': { ask: { context: Context; terms: KeyTerms }; reply: Written<KeyView> };
  /** Answers in the order of the question; null is a key that nobody has made. */
  'key.verify': { ask: { key_hashes: string[] }; reply: (VerifiedKey | null)[] };
  'key.rename': { ask: Command & { name: string }; reply: Written<UsedKey> };
  /** Answers with the successor. The old key lives on for the grace. */
  'key.rotate': { ask: Command & { successor: KeyIdentity; grace_seconds: number }; reply: Written<KeyView> };
  'key.revoke': { ask: Command; reply: Written<KeyView> };
  'key.get': { ask: Look & OfEnvironments; reply: UsedKey };
  'key.list': {
    ask: Read & OfEnvironments & { kind?: KeyView['kind']; limit: number; cursor?: string };
    reply: Page<UsedKey>;
  };
  /** A gateway's batch of last uses; what is older than what is known changes nothing. */
  'key.used': { ask: { uses: KeyUse[] }; reply: Record<string, never> };
  /** A gateway's counts of refused requests; beginnings that no key has are passed over. */
  'key.refused': { ask: { uses: RefusedUses[] }; reply: Record<string, never> };

  /** Without a slug, a free one is made from the name. */
  'key.project.create': {
    ask: { context: Context; id: string; name: string; slug: string | null };
    reply: Written<ProjectView>;
  };
  'key.project.rename': { ask: Command & { name: string }; reply: Written<ProjectView> };
  'key.project.allow-redirects': { ask: Command & { origins: string[] }; reply: Written<ProjectView> };
  /** The truth about a project, by id or slug. */
  'key.project.get': { ask: { id: string }; reply: ProjectView };
  'key.project.list': { ask: Read & { limit: number; cursor?: string }; reply: Page<ProjectView> };

  /** May this wish run now, or has it run before? See idempotency.ts. */
  'key.idempotency.begin': { ask: { scope: string; body_hash: string }; reply: IdempotencyState };
  'key.idempotency.keep': { ask: { scope: string; status: number; sealed: string }; reply: Record<string, never> };
  /** The wish had no remembered answer: forget it, or let the next try take it up where it stands. */
  'key.idempotency.release': { ask: { scope: string; forget: boolean }; reply: Record<string, never> };

  /** Is there nobody yet who could sign in to the dashboard? */
  'key.operator.setup-open': { ask: Record<string, never>; reply: { open: boolean } };
  'key.operator.setup': {
    ask: { context: Context; code_hash: string; id: string; email: string; password: NewPassword };
    reply: OperatorView;
  };
  /** How this operator's password is hashed; somebody unknown gets a recipe, too, which fits no password. */
  'key.operator.recipe': { ask: { email: string }; reply: PasswordRecipe };
  /** Opens a session for whoever knows the password; of the session's token it learns the hash. */
  'key.operator.sign-in': {
    ask: { context: Context; email: string; proof: string; token_hash: string };
    reply: SignedInOperator;
  };
  /** Who holds this session now; null when it has ended. `touch` counts as a sign of life. */
  'key.operator.session': { ask: { token_hash: string; touch: boolean }; reply: SignedInOperator | null };
  'key.operator.sign-out': { ask: { context: Context; token_hash: string }; reply: Record<string, never> };
  /** Ends every session of this operator. */
  'key.operator.end-sessions': { ask: Command; reply: OperatorView };
  'key.operator.list': { ask: Record<string, never>; reply: OperatorView[] };
  'key.operator.invite': {
    ask: { context: Context; id: string; email: string; role: OperatorRole; link: PasswordLink };
    reply: OperatorView;
  };
  'key.operator.password-link': { ask: { context: Context; email: string; link: PasswordLink }; reply: OperatorView };
  /** Whose password this link lets choose. */
  'key.operator.by-link': { ask: { token_hash: string }; reply: OperatorView };
  'key.operator.use-link': {
    ask: { context: Context; token_hash: string; password: NewPassword };
    reply: OperatorView;
  };
  'key.operator.change-password': { ask: Command & { proof: string; password: NewPassword }; reply: OperatorView };
  'key.operator.change-role': { ask: Command & { role: OperatorRole }; reply: OperatorView };
  'key.operator.remove': { ask: Command; reply: Record<string, never> };

  'connection.user.create': {
    ask: { context: Context; user: { short_id: string; name: string; email: string | null } };
    reply: Written<UserView>;
  };
  'connection.user.update': { ask: Command & { name?: string; email?: string | null }; reply: Written<UserView> };
  'connection.user.delete': { ask: Command; reply: { position: Position } };
  'connection.user.get': { ask: Look; reply: UserView };
  'connection.user.list': { ask: Read & { limit: number; cursor?: string }; reply: Page<UserView> };
  /** The truth about a user, from its own stream: does it exist in this tenant? */
  'connection.user.exists': { ask: { context: Context; id: string }; reply: boolean };

  /** Erases the personal text of what the subject names, and of all connections of that user. */
  'connection.text.erase': { ask: { context: Context; subject: string }; reply: Erasure };
  /** Asked by the timeline, which keeps texts as the events do: sealed. */
  'connection.text.open': { ask: { texts: TextToOpen[] }; reply: OpenedTexts };

  'connection.get': { ask: Look; reply: OwnedConnection };
  /** The truth about a connection, from its own stream. */
  'connection.read': { ask: { context: Context; id: string }; reply: OwnedConnection };
  'connection.list': {
    ask: Read & { user_id?: string; status?: HouseholdStatus; limit: number; cursor?: string };
    reply: Page<OwnedConnection>;
  };
  'connection.disconnect': { ask: Command; reply: Written<OwnedConnection> };
  /** The platform's view of connections of every kind. `sealed` is the secret as JSON, encrypted to the vault's key. */
  'connection.platform.store': {
    ask: {
      context: Context;
      wish: ConnectionTerms & { short_id: string; server_id: string; user_id: string | null; sealed: string };
    };
    reply: Written<ConnectionView> & { created: boolean };
  };
  'connection.platform.get': { ask: Look; reply: ConnectionView };
  'connection.platform.list': {
    ask: Read & { user_id?: string; server_id?: string; status?: PlatformStatus; limit: number; cursor?: string };
    reply: Page<ConnectionView>;
  };
  'connection.platform.revoke': { ask: Command; reply: Written<ConnectionView> & { already: boolean } };
  'connection.platform.delete': { ask: Command; reply: { position: Position } };
  'connection.platform.metadata': {
    ask: Command & { changes: Record<string, unknown> };
    reply: Written<ConnectionView>;
  };
  'connection.platform.webhook-secret': {
    ask: Command & { sealed: string; grace_seconds: number };
    reply: Written<ConnectionView>;
  };

  /** Tries a candidate, sealed like any secret, with one harmless read; keeps nothing of it. Takes up to six seconds. */
  'connection.platform.validate': {
    ask: { context: Context; auth_type: 'hmac_signed' | 'jwt_ecdsa'; server_id: string; sealed: string };
    reply: CredentialVerdict;
  };

  /** Opens a Connect Link. The state comes sealed, and the address is answered without it. */
  'connection.connect.start': {
    ask: { context: Context; wish: ConnectLinkWish; sealed_state: string };
    reply: { authorize_url: string; expires_at: string; position: Position };
  };
  /** `sealed` are the parameters of the provider's callback. Null: no such link. May take fourteen seconds and what the database needs. */
  'connection.connect.finish': {
    ask: { context: Context; server_id: string; sealed: string };
    reply: { redirect_to: string | null };
  };

  /** An agent's session: which servers it may use. */
  'connection.session.open': {
    ask: { context: Context; id: string; servers: string[]; user_id: string | null };
    reply: Written<AgentSessionView>;
  };
  'connection.session.close': { ask: Command; reply: Written<AgentSessionView> };
  'connection.session.get': { ask: Look; reply: AgentSessionView };
  'connection.session.list': { ask: Read & { limit: number; cursor?: string }; reply: Page<AgentSessionView> };
  'connection.session.reach': { ask: ById; reply: SessionReach[] };
  'connection.require-login': { ask: Command; reply: Written<OwnedConnection> };
  /** `sealed` is the delivery as JSON (webhook.ts), encrypted to the vault's key; without an id it names its connection itself. */
  'connection.webhook': {
    ask: { context: Context; server_id: string; id: string | null; sealed: string };
    reply: { accepted: boolean; duplicate: boolean };
  };
  /** How far the credentials of the installation have come under the newest key-encryption key. */
  'connection.vault.status': { ask: Read; reply: VaultStatus };
  /** Takes in keys that were added, and begins; the work goes on after the answer. */
  'connection.vault.rotate': { ask: { context: Context }; reply: Written<VaultStatus> };
  /** The public half of the vault's key, as a JWK: a gateway seals secrets with it. */
  'connection.vault-key': { ask: Record<string, never>; reply: { jwk: Record<string, unknown> } };
  /** The catalog. */
  'connection.servers': { ask: Record<string, never>; reply: Server[] };
  'connection.providers': { ask: Record<string, never>; reply: ProviderName[] };
  'connection.link.start': { ask: FromPage & { provider: ProviderName; language: string }; reply: StartedLink };
  /** `sealed` is the provider's token, encrypted to the vault's key (JWE). */
  'connection.link.finish': { ask: FromPage & { attempt_id: string; sealed: string }; reply: SessionView };
  /** The tenant's own items at the sandbox bank. */
  'connection.ledger': {
    ask: { context: Context };
    reply: { items: { id: string; provider: string; institution: string; state: 'live' | 'removed' }[] };
  };

  'link-session.mint': {
    ask: { context: Context; terms: SessionTerms; ttl_seconds: number };
    reply: Written<SessionView>;
  };
  'link-session.relink': {
    ask: {
      context: Context;
      connection_id: string;
      terms: Pick<SessionTerms, 'id' | 'short_id' | 'token_hash' | 'redirect_url' | 'label'>;
      ttl_seconds: number;
    };
    reply: Written<SessionView>;
  };
  'link-session.get': { ask: Look; reply: SessionView };
  'link-session.list': {
    ask: Read & {
      status?: SessionStatus;
      user_id?: string;
      connection_id?: string;
      created_after?: string;
      created_before?: string;
      limit: number;
      cursor?: string;
    };
    reply: Page<SessionView>;
  };
  /**
   * Each change of one session after `after`, oldest first; without `after` its state now. With nothing to tell it
   * waits for `wait_ms` at most, so that a stream of events is a chain of such requests, to whichever replica.
   */
  'link-session.changes': {
    ask: { context: Context; id: string; after?: Position; wait_ms: number };
    reply: SessionChanges;
  };
  /** Of one session, or of all that belong to a user. */
  'link-session.text.erase': {
    ask: { context: Context; subject: { session_id: string } | { user_id: string } };
    reply: Erasure;
  };
  'link-session.text.open': { ask: { texts: TextToOpen[] }; reply: OpenedTexts };
  'link-session.cancel': { ask: Command; reply: Written<SessionView> };
  'link-session.page': { ask: FromPage; reply: SessionPage };
  /** The page once something has happened to its session after `after`; null when nothing has within `wait_ms`. */
  'link-session.page.next': {
    ask: FromPage & { after: Position; wait_ms: number };
    reply: (PageFacts & { session: SessionView }) | null;
  };
  /** The device that shows `code_hash`'s code is let in, once. */
  'link-session.hand-over': { ask: FromPage & { code_hash: string }; reply: SessionView };
  'link-session.activate': { ask: FromPage; reply: SessionView };
  'link-session.finish': { ask: FromPage; reply: SessionView };
  'link-session.give-up': { ask: FromPage; reply: SessionView };
  /** The page reports that the provider's dialog ended in an error. */
  'link-session.refuse': { ask: FromPage & { attempt_id: string; code: string; message: string }; reply: SessionView };
  /** Asked by the connection service, which leads an attempt from start to outcome. */
  'link-session.attempt.start': {
    ask: FromPage & { attempt_id: string; provider: ProviderName; connection_id: string };
    reply: SessionView;
  };
  'link-session.attempt.claim': {
    ask: { context: Context; session_id: string; attempt_id: string };
    reply: SessionView;
  };
  'link-session.attempt.refuse': {
    ask: { context: Context; session_id: string; attempt_id: string } & Refusal;
    reply: SessionView;
  };
  'link-session.attempt.settle': {
    ask: { context: Context; session_id: string; attempt_id: string; outcome: AttemptOutcome };
    reply: SessionView;
  };

  'audit.list': { ask: Read & { filter: AuditFilter }; reply: Page<AuditEntry> };
  /**
   * What comes behind `since`, oldest first; without it, where the timeline stands now. With nothing to tell it waits for
   * `wait_ms` at most, so that a live timeline is a chain of such requests, to whichever replica.
   */
  'audit.changes': {
    ask: Read & { filter: AuditNarrowing; since?: Position; wait_ms: number };
    reply: AuditChanges;
  };

  /** Where an export that begins now ends; null when there is nothing. `entries` is an estimate unless it is exact. */
  'audit.export.begin': {
    ask: Read & { filter: AuditNarrowing };
    reply: { until: Position | null; entries: number; exact: boolean };
  };
  /** The lines after `from`, oldest first, as many as fit into a message; `next` is where to go on, null at the end. */
  'audit.export.page': {
    ask: { context: Context; filter: AuditNarrowing; from: Position | null; until: Position };
    reply: { lines: ExportLine[]; next: Position | null };
  };
  /** The public keys that checkpoints of the chain are checked with. */
  'audit.jwks': { ask: Record<string, never>; reply: { keys: Record<string, unknown>[] } };

  /** Builds views of the service again, or compares them; answers with those that it has. The same id again changes nothing. */
  'key.replay.start': StartReplay;
  'connection.replay.start': StartReplay;
  'link-session.replay.start': StartReplay;
  'audit.replay.start': StartReplay;
  /** What was replayed in the service, newest first, and what is being replayed. */
  'key.replay.list': ListReplays;
  'connection.replay.list': ListReplays;
  'link-session.replay.list': ListReplays;
  'audit.replay.list': ListReplays;

  'key.health': Health;
  'connection.health': Health;
  'link-session.health': Health;
  'audit.health': Health;
}

/** Announcements reach every listener, without a queue group; each may answer. Who asks decides how long it listens. */
export interface Announcements {
  'gateway.key-changed': { say: KeyChanged; answer: KeyForgotten };
  'key.lease': { say: LeaseAsked; answer: LeaseGranted };
  /** Among gateways, so that each key sees its own writes through any of them; nobody answers. */
  'gateway.written': { say: LastWrite; answer: never };
  /** Before the deletion is answered, so that no link is minted for them any more; nobody answers. */
  'link-session.user-deleted': { say: { user_id: string }; answer: never };
  /** Among replicas that share a file of key-encryption keys: it has changed. Nobody answers. */
  'connection.vault-keys-changed': { say: Record<string, never>; answer: never };
}

export interface PartHealth {
  status: 'up' | 'down';
  /** Each view, and how far it is behind: milliseconds since it last stood at the head, or since its process began. */
  views: { name: string; lag_ms: number; parked: number }[];
  parts: Record<string, 'up' | 'down'>;
  /** Of the service itself (`latchkey`) and of those of its `parts` that say theirs. */
  versions?: Record<string, string>;
}
type StartReplay = { ask: ReplayWish; reply: ViewReplay[] };
type ListReplays = { ask: { id?: string }; reply: ViewReplay[] };
type Health = { ask: Record<string, never>; reply: PartHealth };

export type Subject = keyof Subjects;
export type Ask<S extends Subject> = Subjects[S]['ask'];
export type Reply<S extends Subject> = Subjects[S]['reply'];
