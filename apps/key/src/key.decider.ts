import { DomainError } from '#contracts/errors.js';
import type { KeyCommand, KeyEvent } from '#contracts/key.js';
import type { Decider } from '#eventstore/decider.js';

export type KeyState = { status: 'none' } | { status: 'live' | 'revoked'; key_hash: string };

export const apiKey: Decider<KeyState, KeyCommand, KeyEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateKey':
        if (state.status === 'none') return [{ type: 'KeyCreated', ...command.terms, at: command.now }];
        if (state.key_hash !== command.terms.key_hash) throw new DomainError('ID_TAKEN');
        return [];

      case 'RevokeKey':
        if (state.status === 'none') throw new DomainError('NOT_FOUND', 'API key not found');
        return state.status === 'live' ? [{ type: 'KeyRevoked', at: command.now }] : [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'KeyCreated':
        return { status: 'live', key_hash: event.key_hash };
      case 'KeyRevoked':
        return state.status === 'none' ? state : { ...state, status: 'revoked' };
    }
  },
};
