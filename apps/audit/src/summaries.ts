import type { AgentSessionEvent } from '#contracts/agent-session.js';
import type { ConnectLinkEvent } from '#contracts/connect-link.js';
import type { ConnectionEvent } from '#contracts/connection.js';
import type { KeyEvent } from '#contracts/key.js';
import type { SessionEvent } from '#contracts/link-session.js';
import type { OperatorRole, OperatorsEvent, SignInEvent } from '#contracts/operator.js';
import type { ProjectEvent } from '#contracts/project.js';
import type { ViewReplayEvent } from '#contracts/replay.js';
import type { UserEvent } from '#contracts/user.js';
import type { VaultEvent } from '#contracts/vault.js';

export type AuditedEvent =
  | SessionEvent
  | AgentSessionEvent
  | ConnectLinkEvent
  | ConnectionEvent
  | UserEvent
  | KeyEvent
  | ProjectEvent
  | OperatorsEvent
  | SignInEvent
  | ViewReplayEvent
  | VaultEvent;

type Facts<T> = AuditedEvent extends infer E ? (E extends { type: T } ? Omit<E, 'type'> : never) : never;
type Summaries = { [T in AuditedEvent['type']]: (facts: Facts<T>) => string };

/** What each event says to a person, in one sentence. Who did it stands beside it, in the entry's actor. */
export const summaries: Summaries = {
  SessionMinted: (e) => {
    const purpose = e.action === 'relink' ? 'sign in to a bank again' : 'connect a bank';
    return `A ${e.single_use ? 'one-time ' : ''}link to ${purpose}${through(e.provider)} was made, valid until ${e.expires_at}.`;
  },
  SessionActivated: () => 'The link was opened in a browser.',
  AttemptStarted: (e) => `An attempt to sign in to a bank${through(e.provider)} was started.`,
  AttemptClaimed: () => 'An attempt took its turn to finish.',
  AttemptRefused: (e) => `An attempt was refused: ${e.code}.`,
  AttemptSucceeded: (e) => `An attempt ended well: ${outcomes[e.outcome]}.`,
  UseRefused: (e) =>
    e.code_hash
      ? 'A used code to go on at another device was refused.'
      : 'A further use of a one-time link was refused.',
  SessionHandedOver: () => 'The person went on at another device.',
  SessionCompleted: () => 'The link session was completed.',
  SessionFailed: (e) => `The link session failed: ${e.error_code}.`,
  SessionExpired: () => 'The link expired.',

  ConnectionCreated: (e) =>
    `A connection to ${e.server_id} was created${e.user_id === null ? '' : ` for ${e.user_id}`}.`,
  CredentialRotated: () => 'The credential was replaced; the one before was destroyed.',
  CredentialRefreshed: () => 'The provider gave new tokens; the ones before were destroyed.',
  ConnectionExpired: (e) => `The connection has expired: ${e.code}.`,
  MetadataChanged: () => "The operator's metadata was changed.",
  WebhookSecretSet: (e) =>
    `The webhook secret was set${e.previous_until ? `; the one before is accepted until ${e.previous_until}` : ''}.`,
  ConnectionDeleted: () => 'The connection was deleted and its credential destroyed.',
  AgentSessionOpened: (e) => `A session for ${e.servers.join(', ') || 'no server'} was opened.`,
  AgentSessionClosed: () => 'The session was closed.',
  ConnectLinkStarted: (e) =>
    `A Connect Link to ${e.server_id} was started for ${e.user_id}, valid until ${e.expires_at}.`,
  ConnectLinkConnected: () => 'The Connect Link led to a connection.',
  ConnectLinkDenied: () => 'The person said no at the provider.',
  ConnectLinkFailed: (e) => `The Connect Link failed: ${e.error}.`,
  ConnectLinkExpired: () => 'The Connect Link expired, and nothing came of it.',
  ConnectLinkUseRefused: () => 'A further use of a Connect Link was refused.',
  ConnectionLinked: (e) => `${bank(e.institution_name)} was connected${through(e.provider)}.`,
  ConnectionReauthRequired: (e) => `The bank asks for a new sign-in: ${e.code}.`,
  ProviderErrorReported: (e) => `The provider reports an error: ${e.code}.`,
  ConnectionRelinked: (e) => `The bank was signed in to again: ${outcomes[e.outcome]}.`,
  ConnectionRepaired: () => 'The provider says that the sign-in works again.',
  WebhookReceived: (e) =>
    `The provider sent word of ${[e.kind, e.code].filter(Boolean).join(', ') || 'something without a name'}.`,
  CredentialAccessed: (e) => `The credential was opened ${purposes[e.purpose]}.`,
  ConnectionDisconnected: (e) => `The connection was ended and its credential destroyed: ${e.reason}.`,

  UserCreated: (e) => `${person(e.name)} was created.`,
  UserUpdated: (e) => `${person(e.name)} was changed.`,
  VaultRotationRequested: (e) =>
    `All credentials are to come under the key-encryption key of epoch ${e.current_epoch}: ${e.remaining} to go.`,

  UserDeleted: () => 'The user was deleted.',

  PersonalTextErased: () => 'The text about a person, up to here, was erased.',

  KeyCreated: (e) => `The API key ${e.name} (${e.key_prefix}…) was created with ${e.scopes.join(', ')}.`,
  KeyRenamed: (e) => `The API key was renamed to ${e.name}.`,
  KeyRotated: (e) =>
    `The API key was rotated: ${e.successor.key_prefix}… takes its place, the old one ends at ${e.retires_at}.`,
  ViewReplayStarted: (e) =>
    e.verify
      ? `The read model ${e.view} is compared with its events.`
      : `The read model ${e.view} is built again from its events.`,
  ViewReplayEnded: (e) =>
    e.outcome === 'failed'
      ? 'The replay failed and changed nothing.'
      : `The replay ended; ${e.differing} rows differed.`,
  KeyRevoked: () => 'The API key was revoked.',
  KeyRefused: (e) => `${e.count === 1 ? 'A request was' : `${e.count} requests were`} refused: ${refusals[e.reason]}.`,

  ProjectCreated: (e) => `The project ${e.name} (${e.slug}) was created.`,
  ProjectRenamed: (e) => `The project was renamed to ${e.name}.`,
  RedirectOriginsAllowed: (e) =>
    e.origins.length > 0
      ? `Links of the project may redirect to ${e.origins.join(', ')}, and nowhere else.`
      : 'Links of the project may redirect to wherever the installation allows.',
  OperatorAdded: (e) => `The operator ${e.email} was added to the dashboard, as ${article(e.role)}.`,
  OperatorPasswordLinkMade: (e) => `A link for ${e.email} to choose a password was made, valid until ${e.expires_at}.`,
  OperatorPasswordSet: (e) => `The operator ${e.email} chose a password.`,
  OperatorRoleChanged: (e) => `The operator ${e.email} is ${article(e.role)} from now on.`,
  OperatorRemoved: (e) => `The operator ${e.email} was removed from the dashboard.`,
  OperatorSessionsEnded: (e) => `The operator ${e.email} was signed out of the dashboard everywhere.`,
  SignedIn: (e) => `The operator ${e.email} signed in to the dashboard.`,
  SignInRefused: (e) => {
    if (e.email !== null) return `A sign-in to the dashboard as ${e.email} was refused: wrong password.`;
    return e.count === undefined
      ? 'A sign-in to the dashboard was refused: no operator has that e-mail address.'
      : `${e.count} sign-ins to the dashboard were refused: no operator has these e-mail addresses.`;
  },
  SignedOut: () => 'An operator signed out of the dashboard.',
};

export const hasSummary = (type: string): boolean => Object.hasOwn(summaries, type);

/** An event of a type that this version does not know yet is still a fact. */
export function summaryOf(type: string, facts: object): string {
  if (!hasSummary(type)) return `${type} was recorded.`;
  return (summaries[type as AuditedEvent['type']] as (facts: object) => string)(facts);
}

const outcomes = {
  linked: 'the bank is connected',
  repaired: 'the sign-in works again',
  already_healthy: 'nothing was wrong',
};

const purposes = {
  relink: 'to prepare a new sign-in',
  verify_relink: 'to check that it works again',
  remove: 'to remove it at the provider',
  oauth_tokens: 'to use or refresh its tokens',
  sandbox_require_login: 'to make the sandbox bank ask for a new sign-in',
};

const refusals = {
  revoked: 'the API key has been revoked',
  expired: 'the API key has expired',
  address: 'the API key may not be used from that address',
  mistyped: 'the key that was sent only begins like this one',
};

const article = (role: OperatorRole): string => (role === 'administrator' ? 'an administrator' : 'a viewer');
const names = { plaid: 'Plaid', teller: 'Teller' };
const through = (provider: keyof typeof names | ''): string => (provider ? ` through ${names[provider]}` : '');
/** An erased name is empty. */
const person = (name: string): string => (name ? `The user ${name}` : 'A user');
const bank = (name: string | null): string => name ?? 'A bank';
