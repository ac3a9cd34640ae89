import type { AgentSessionCommand, AgentSessionEvent } from '#contracts/agent-session.js';
import { DomainError } from '#contracts/errors.js';
import type { Decider } from '#eventstore/decider.js';

export type AgentSessionState = 'none' | 'active' | 'closed';

export const agentSession: Decider<AgentSessionState, AgentSessionCommand, AgentSessionEvent> = {
  initial: 'none',

  decide(command, state) {
    if (command.type === 'OpenSession') {
      if (state !== 'none') throw new DomainError('ID_TAKEN');
      const { type: _type, now, ...facts } = command;
      return [{ type: 'AgentSessionOpened', ...facts, at: now }];
    }
    if (state === 'none') throw new DomainError('NOT_FOUND', 'Session not found');
    return state === 'closed' ? [] : [{ type: 'AgentSessionClosed', at: command.now }];
  },

  evolve: (_state, { type }) => (type === 'AgentSessionOpened' ? 'active' : 'closed'),
};
