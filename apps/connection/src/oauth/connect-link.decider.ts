import type { ConnectLinkCommand, ConnectLinkEvent } from '#contracts/connect-link.js';
import { DomainError } from '#contracts/errors.js';
import type { Decider } from '#eventstore/decider.js';

/** Whoever holds a used state can come again without end; so many refusals tell all there is to tell. */
const MAX_REFUSED_USES = 10;

export interface ConnectLinkState {
  status: 'none' | 'open' | 'over' | 'connected';
  refused_uses: number;
}

/** The record of a Connect Link. It reserves nothing: that is the row's work, so two uses at once are told apart there. */
export const connectLink: Decider<ConnectLinkState, ConnectLinkCommand, ConnectLinkEvent> = {
  initial: { status: 'none', refused_uses: 0 },

  decide(command, { status, refused_uses }) {
    if (command.type === 'StartConnectLink') {
      if (status !== 'none') throw new DomainError('ID_TAKEN');
      const { type: _type, now, ...terms } = command;
      return [{ type: 'ConnectLinkStarted', ...terms, at: now }];
    }
    // It was started before links were recorded, or its start could not be recorded and its state was given to nobody.
    if (status === 'none') return [];
    if (command.type === 'RefuseUse') {
      return refused_uses < MAX_REFUSED_USES ? [{ type: 'ConnectLinkUseRefused', at: command.now }] : [];
    }
    // A provider that did not answer may have said yes all the same.
    const isNews = command.type === 'RecordConnection' ? status !== 'connected' : status === 'open';
    return isNews ? [ended(command)] : [];
  },

  evolve(state, { type }) {
    if (type === 'ConnectLinkStarted') return { ...state, status: 'open' };
    if (type === 'ConnectLinkUseRefused') return { ...state, refused_uses: state.refused_uses + 1 };
    return { ...state, status: type === 'ConnectLinkConnected' ? 'connected' : 'over' };
  },
};

function ended(command: Exclude<ConnectLinkCommand, { type: 'StartConnectLink' | 'RefuseUse' }>): ConnectLinkEvent {
  const at = command.now;
  switch (command.type) {
    case 'RecordConnection':
      return { type: 'ConnectLinkConnected', connection_id: command.connection_id, at };
    case 'RecordDenial':
      return { type: 'ConnectLinkDenied', at };
    case 'RecordFailure':
      return { type: 'ConnectLinkFailed', error: command.error, at };
    case 'ExpireConnectLink':
      return { type: 'ConnectLinkExpired', at };
  }
}
