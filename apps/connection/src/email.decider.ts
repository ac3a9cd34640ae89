import { DomainError } from '#contracts/errors.js';
import type { EmailCommand, EmailEvent } from '#contracts/user.js';
import type { Decider } from '#eventstore/decider.js';

/** Who holds an e-mail address in a project: nobody, or one user. */
export interface EmailState {
  holder: string | null;
}

export const email: Decider<EmailState, EmailCommand, EmailEvent> = {
  initial: { holder: null },

  decide(command, { holder }) {
    const { user_id } = command;
    if (command.type === 'ReleaseEmail') return holder === user_id ? [{ type: 'EmailReleased', user_id }] : [];
    if (holder === user_id) return [];
    if (holder !== null && holder !== command.evict) throw new DomainError('EMAIL_CONFLICT', undefined, { holder });
    return [{ type: 'EmailClaimed', user_id }];
  },

  evolve(_state, event) {
    return { holder: event.type === 'EmailClaimed' ? event.user_id : null };
  },
};
