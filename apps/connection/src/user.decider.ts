import { DomainError } from '#contracts/errors.js';
import type { UserCommand, UserEvent } from '#contracts/user.js';
import type { Decider } from '#eventstore/decider.js';

export type UserState =
  { status: 'none' } | { status: 'live'; name: string; email: string | null } | { status: 'deleted' };

export const user: Decider<UserState, UserCommand, UserEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (command.type === 'CreateUser') {
      if (state.status !== 'none') throw new DomainError('ID_TAKEN');
      const { type: _type, now, ...facts } = command;
      return [{ type: 'UserCreated', ...facts, at: now }];
    }
    if (state.status !== 'live') throw new DomainError('NOT_FOUND', 'User not found');
    if (command.type === 'DeleteUser') return [{ type: 'UserDeleted', at: command.now }];
    const name = command.name ?? state.name;
    const email = command.email === undefined ? state.email : command.email;
    return name === state.name && email === state.email ? [] : [{ type: 'UserUpdated', name, email, at: command.now }];
  },

  evolve(state, event) {
    if (event.type === 'UserDeleted') return { status: 'deleted' };
    if (event.type === 'PersonalTextErased') {
      return state.status === 'live' ? { ...state, name: '', email: null } : state;
    }
    return { status: 'live', name: event.name, email: event.email };
  },
};
