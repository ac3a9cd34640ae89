import { DomainError } from '#contracts/errors.js';
import type { EmailCommand, EmailEvent } from '#contracts/user.js';
import type { Decider } from '#eventstore/decider.js';

/** Who holds an e-mail address in a project: nobody, or one user. */
export interface EmailState {
  holder: string | null;
  /** How many claims there have been: the number of the last one. */
  claims: number;
}

export const email: Decider<EmailState, EmailCommand, EmailEvent> = {
  initial: { holder: null, claims: 0 },

  decide(command, { holder, claims }) {
    const { user_id } = command;
    if (command.type === 'ReleaseEmail') {
      return holder === user_id ? [{ type: 'EmailReleased', user_id }] : [];
    }
    if (holder !== null && holder !== user_id && command.evict !== claims) throw new DomainError('EMAIL_CONFLICT');
    // Also for who holds it already: a claim is only as good as it is young.
    return [{ type: 'EmailClaimed', user_id }];
  },

  evolve({ claims }, event) {
    return event.type === 'EmailClaimed' ? { holder: event.user_id, claims: claims + 1 } : { holder: null, claims };
  },
};
