import { DomainError } from '#contracts/errors.js';
import type { SignInCommand, SignInEvent } from '#contracts/operator.js';
import type { Decider } from '#eventstore/decider.js';

type State = 'none' | 'refused' | 'open' | 'ended';

/** Each attempt to sign in, or tally of attempts, has a stream of its own, so that none grows, however often somebody tries. */
export const signIn: Decider<State, SignInCommand, SignInEvent> = {
  initial: 'none',

  decide(command, state) {
    if (command.type === 'SignOut') return state === 'open' ? [{ type: 'SignedOut', at: command.now }] : [];
    if (state !== 'none') throw new DomainError('INVALID_STATE');
    if (command.type === 'SignIn') {
      const { operator_id, email, now: at } = command;
      return [{ type: 'SignedIn', operator_id, email, at }];
    }
    const { operator_id, email, count, first_at, last_at, now: at } = command;
    const tally = count > 1 && { count, first_at, last_at };
    return [{ type: 'SignInRefused', operator_id, email, ...tally, at }];
  },

  evolve(_, event) {
    return ({ SignedIn: 'open', SignInRefused: 'refused', SignedOut: 'ended' } as const)[event.type];
  },
};
