import type {
  ConnectionCommand,
  ConnectionEvent,
  ConnectionState as Internal,
  WebhookEffect,
} from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import type { Decider } from '#eventstore/decider.js';

/** A provider repeats a delivery within days; older ones are not remembered. */
const REMEMBERED_DELIVERIES = 500;

interface Live {
  status: Exclude<Internal, 'revoked'>;
  session_id: string;
  /** Sessions that have relinked it, so that a repeated record changes nothing. */
  relinks: readonly string[];
  deliveries: readonly string[];
}

export type ConnectionState = { status: 'none' } | Live | { status: 'revoked' };
type Command<T extends ConnectionCommand['type']> = Extract<ConnectionCommand, { type: T }>;

export const connection: Decider<ConnectionState, ConnectionCommand, ConnectionEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (command.type === 'RecordLink') return recordLink(command, state);
    if (state.status === 'none') throw new DomainError('NOT_FOUND', 'Connection not found');
    if (state.status === 'revoked') return whenRevoked(command);
    switch (command.type) {
      case 'RecordRelink': {
        const { session_id, outcome, now } = command;
        if (state.relinks.includes(session_id)) return [];
        return [{ type: 'ConnectionRelinked', session_id, outcome, at: now }];
      }
      case 'ReceiveWebhook':
        return receiveWebhook(command, state);
      case 'AccessCredential':
        return [{ type: 'CredentialAccessed', purpose: command.purpose, at: command.now }];
      case 'Disconnect':
        return [{ type: 'ConnectionDisconnected', reason: command.reason, at: command.now }];
    }
  },

  evolve(state, event) {
    if (event.type === 'ConnectionLinked') {
      return { status: 'connected', session_id: event.session_id, relinks: [], deliveries: [] };
    }
    return state.status === 'none' || state.status === 'revoked' ? state : changed(state, event);
  },
};

/** A credential that was destroyed opens for nobody, and what is disconnected stays so. */
function whenRevoked(command: Exclude<ConnectionCommand, { type: 'RecordLink' }>): ConnectionEvent[] {
  if (command.type === 'Disconnect') return [];
  throw new DomainError('CONNECTION_DISCONNECTED');
}

function recordLink({ type: _type, now, ...linked }: Command<'RecordLink'>, state: ConnectionState): ConnectionEvent[] {
  if (state.status === 'none') return [{ type: 'ConnectionLinked', ...linked, at: now }];
  if (state.status !== 'revoked' && state.session_id === linked.session_id) return [];
  throw new DomainError('ID_TAKEN');
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
  if (effect === 'login_repaired' && state.status !== 'connected') return [{ type: 'ConnectionRepaired', at: now }];
  return [];
}

function changed(state: Live, event: Exclude<ConnectionEvent, { type: 'ConnectionLinked' }>): ConnectionState {
  switch (event.type) {
    case 'ConnectionReauthRequired':
      return { ...state, status: 'needs_reauth' };
    case 'ConnectionRelinked':
      return { ...state, status: 'connected', relinks: [...state.relinks, event.session_id] };
    case 'ConnectionRepaired':
      return { ...state, status: 'connected' };
    case 'WebhookReceived':
      return { ...state, deliveries: [...state.deliveries, event.delivery_id].slice(-REMEMBERED_DELIVERIES) };
    case 'CredentialAccessed':
      return state;
    case 'ConnectionDisconnected':
      return { status: 'revoked' };
  }
}
