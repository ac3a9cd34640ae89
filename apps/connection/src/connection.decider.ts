import type { AuthType } from '#contracts/api/servers.js';
import type {
  ConnectionCommand,
  ConnectionEvent,
  ConnectionPlace,
  ConnectionState as Internal,
  WebhookEffect,
} from '#contracts/connection.js';
import { type Json, mergedMetadata, metadataFault } from '#contracts/connection-metadata.js';
import { DomainError } from '#contracts/errors.js';
import type { Decider } from '#eventstore/decider.js';

/** A provider repeats a delivery within days; older ones are not remembered. */
const REMEMBERED_DELIVERIES = 500;

interface Live {
  status: Exclude<Internal, 'revoked'>;
  /** Two places can meet in one short_id; the connection is of the one that made it. */
  place: ConnectionPlace;
  /** The code of the error that the provider reported last since all was well. */
  provider_error: string | null;
  /** Null for a connection that no session has made. */
  session_id: string | null;
  /** Sessions that have relinked it, so that a repeated record changes nothing. */
  relinks: readonly string[];
  deliveries: readonly string[];
  auth_type: AuthType;
  /** Null for banks. */
  credential_version: number | null;
  connection_metadata: Json;
  webhook_version: number | null;
}

export type ConnectionState = { status: 'none' } | Live | { status: 'revoked' } | { status: 'deleted' };
type Command<T extends ConnectionCommand['type']> = Extract<ConnectionCommand, { type: T }>;

export const connection: Decider<ConnectionState, ConnectionCommand, ConnectionEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (command.type === 'RecordLink') return recordLink(command, state);
    if (command.type === 'StoreCredential') return storeCredential(command, state);
    if (state.status === 'none' || state.status === 'deleted')
      throw new DomainError('NOT_FOUND', 'Connection not found');
    if (state.status === 'revoked') return whenRevoked(command);
    switch (command.type) {
      case 'RecordRelink': {
        const { now, ...relinked } = command;
        if (state.relinks.includes(relinked.session_id)) return [];
        return [{ ...relinked, type: 'ConnectionRelinked', at: now }];
      }
      case 'MergeMetadata':
        return mergeMetadata(command, state);
      case 'SetWebhookSecret':
        return setWebhookSecret(command, state);
      case 'Delete':
        return [{ type: 'ConnectionDeleted', at: command.now }];
      case 'ReceiveWebhook':
        return receiveWebhook(command, state);
      case 'RecordRefresh':
        return recordRefresh(command, state);
      case 'Expire':
        return expire(command, state);
      case 'AccessCredential':
        return [{ type: 'CredentialAccessed', purpose: command.purpose, at: command.now }];
      case 'Disconnect':
        return [{ type: 'ConnectionDisconnected', reason: command.reason, at: command.now }];
    }
  },

  evolve(state, event) {
    if (event.type === 'ConnectionLinked') {
      const place = placeOf({ ...event, server_id: event.provider });
      return { ...fresh, place, session_id: event.session_id, auth_type: 'hosted_link' };
    }
    if (event.type === 'ConnectionCreated') {
      const { auth_type, credential_version, connection_metadata } = event;
      return { ...fresh, place: placeOf(event), auth_type, credential_version, connection_metadata };
    }
    if (event.type === 'ConnectionDeleted') return { status: 'deleted' };
    return isLive(state) ? changed(state, event) : state;
  },
};

const well = { status: 'connected', provider_error: null } as const;

const fresh: Omit<Live, 'auth_type' | 'place'> = {
  ...well,
  session_id: null,
  relinks: [],
  deliveries: [],
  credential_version: null,
  connection_metadata: {},
  webhook_version: null,
};

const placeOf = ({ project_id, environment, server_id, user_id }: ConnectionPlace): ConnectionPlace => ({
  project_id,
  environment,
  server_id,
  user_id,
});

/** Is it among the deliveries that came lately? */
export const hasReceived = (state: ConnectionState, deliveryId: string): boolean =>
  isLive(state) && state.deliveries.includes(deliveryId);

/** Is this the place of that connection? */
export const isAt = (place: ConnectionPlace, state: Live): boolean =>
  JSON.stringify(placeOf(place)) === JSON.stringify(state.place);

export const isLive = (state: ConnectionState): state is Live =>
  state.status !== 'none' && state.status !== 'revoked' && state.status !== 'deleted';

/** A credential that was destroyed opens for nobody, and what is disconnected stays so. */
function whenRevoked(command: Exclude<ConnectionCommand, { type: 'RecordLink' }>): ConnectionEvent[] {
  if (command.type === 'Disconnect') return [];
  if (command.type === 'Delete') return [{ type: 'ConnectionDeleted', at: command.now }];
  throw new DomainError('CONNECTION_DISCONNECTED');
}

function recordLink({ type: _type, now, ...linked }: Command<'RecordLink'>, state: ConnectionState): ConnectionEvent[] {
  if (state.status === 'none') return [{ type: 'ConnectionLinked', ...linked, at: now }];
  if (isLive(state) && state.session_id === linked.session_id) return [];
  throw new DomainError('ID_TAKEN');
}

/** The vault holds the credential already; a version that another one has overtaken must not come back to life. */
function storeCredential(command: Command<'StoreCredential'>, state: ConnectionState): ConnectionEvent[] {
  const { type: _type, now, ...created } = command;
  const { display_name, connection_metadata, cert_metadata, credential_version } = created;
  const { metadata, token_refresh_at, expires_at } = created;
  if (isLive(state) && !isAt(created, state)) throw new DomainError('ID_TAKEN');
  if (state.status === 'none') {
    const terms = { display_name: display_name ?? null, connection_metadata: connection_metadata ?? {} };
    return [{ type: 'ConnectionCreated', ...created, ...terms, at: now }];
  }
  // An OAuth or key connection that has expired stays so: the next one is a new one.
  if (state.status === 'revoked' || state.status === 'deleted' || state.status === 'needs_reauth') {
    throw new DomainError('CONNECTION_DISCONNECTED');
  }
  if (state.credential_version === null) throw new DomainError('NOT_API_KEY_SERVER');
  if (credential_version <= state.credential_version) throw new DomainError('CONFLICT');
  const sent = {
    ...(display_name !== undefined && { display_name }),
    ...(connection_metadata !== undefined && { connection_metadata }),
    ...(metadata !== undefined && { metadata, token_refresh_at, expires_at }),
  };
  return [{ type: 'CredentialRotated', credential_version, cert_metadata, ...sent, at: now }];
}

/** A credential that was set meanwhile, by hand or through a new link, is the newer truth. */
function recordRefresh(command: Command<'RecordRefresh'>, state: Live): ConnectionEvent[] {
  const { from_version, credential_version, token_refresh_at, now } = command;
  if (state.status === 'needs_reauth') throw new DomainError('CONNECTION_DISCONNECTED');
  if (state.credential_version !== from_version) throw new DomainError('CONFLICT');
  return [{ type: 'CredentialRefreshed', credential_version, token_refresh_at, at: now }];
}

function expire({ version, now }: Command<'Expire'>, state: Live): ConnectionEvent[] {
  if (state.status === 'needs_reauth' || state.credential_version !== version) return [];
  const message = 'The provider no longer renews the permission; a new Connect Link is needed.';
  return [{ type: 'ConnectionExpired', code: 'REFRESH_TOKEN_DEAD', message, at: now }];
}

function mergeMetadata({ changes, now }: Command<'MergeMetadata'>, state: Live): ConnectionEvent[] {
  const connection_metadata = mergedMetadata(state.connection_metadata, changes);
  const fault = metadataFault(connection_metadata);
  if (fault !== null) {
    const message = `connection_metadata ${fault}`;
    throw new DomainError('VALIDATION_ERROR', message, { issues: [{ field: 'connection_metadata', message }] });
  }
  if (JSON.stringify(connection_metadata) === JSON.stringify(state.connection_metadata)) return [];
  return [{ type: 'MetadataChanged', connection_metadata, at: now }];
}

/** The version that is in force already may be named again: its text is the same, and the grace of the one before goes on. */
function setWebhookSecret(command: Command<'SetWebhookSecret'>, { webhook_version }: Live): ConnectionEvent[] {
  const { version, from_version, grace_seconds, now } = command;
  // Another one was set since: whether this one is the same is to be seen anew.
  if (from_version !== webhook_version) throw new DomainError('CONFLICT');
  if (version === webhook_version) return [];
  if (webhook_version !== null && version < webhook_version) throw new DomainError('CONFLICT');
  const hasGrace = webhook_version !== null && grace_seconds > 0;
  const previous_until = hasGrace ? new Date(Date.parse(now) + grace_seconds * 1_000).toISOString() : null;
  const previous = hasGrace ? webhook_version : null;
  return [{ type: 'WebhookSecretSet', version, previous, previous_until, at: now }];
}

function receiveWebhook({ delivery, effect, now }: Command<'ReceiveWebhook'>, state: Live): ConnectionEvent[] {
  if (state.deliveries.includes(delivery.delivery_id)) return [];
  const received: ConnectionEvent = { type: 'WebhookReceived', ...delivery, at: now };
  return [received, ...effectOf(effect, { state, code: delivery.code, now })];
}

function effectOf(
  effect: WebhookEffect,
  { state, code, now }: { state: Live; code: string; now: string },
): ConnectionEvent[] {
  if (effect === 'login_required' && state.status !== 'needs_reauth') {
    const message = 'The bank asks for a new sign-in.';
    return [{ type: 'ConnectionReauthRequired', code: code || 'ITEM_LOGIN_REQUIRED', message, at: now }];
  }
  // An error must not hide that the person is asked to sign in.
  if (effect === 'provider_error' && state.status !== 'needs_reauth' && state.provider_error !== code) {
    return [{ type: 'ProviderErrorReported', code, message: 'The provider reports an error.', at: now }];
  }
  if (effect === 'login_repaired' && state.status !== 'connected') return [{ type: 'ConnectionRepaired', at: now }];
  return [];
}

type Change = Exclude<ConnectionEvent, { type: 'ConnectionLinked' | 'ConnectionCreated' | 'ConnectionDeleted' }>;

function changed(state: Live, event: Change): ConnectionState {
  switch (event.type) {
    case 'CredentialRotated': {
      const { credential_version, connection_metadata = state.connection_metadata } = event;
      return { ...state, ...well, credential_version, connection_metadata };
    }
    case 'CredentialRefreshed':
      return { ...state, credential_version: event.credential_version };
    case 'ConnectionExpired':
      return { ...state, status: 'needs_reauth' };
    case 'MetadataChanged':
      return { ...state, connection_metadata: event.connection_metadata };
    case 'WebhookSecretSet':
      return { ...state, webhook_version: event.version };
    case 'ConnectionReauthRequired':
      return { ...state, status: 'needs_reauth' };
    case 'ProviderErrorReported':
      return { ...state, status: 'error', provider_error: event.code };
    case 'ConnectionRelinked':
      return { ...state, ...well, relinks: [...state.relinks, event.session_id] };
    case 'ConnectionRepaired':
      return { ...state, ...well };
    case 'WebhookReceived':
      return { ...state, deliveries: [...state.deliveries, event.delivery_id].slice(-REMEMBERED_DELIVERIES) };
    case 'CredentialAccessed':
      return state;
    case 'PersonalTextErased':
      return { ...state, connection_metadata: {} };
    case 'ConnectionDisconnected':
      return { status: 'revoked' };
  }
}
