import { type ErasePersonalText, type PersonalTextErased, personalFieldsOf } from '#contracts/personal-text.js';
import type { Decider } from './decider.js';

export interface Erasable<S> {
  inner: S;
  /** So often was text erased before; also the number of the key that newer text is sealed under. */
  erasures: number;
  /** Has an event since then brought text? */
  hasText: boolean;
}

/** The same rules, and one more: text that is there can be erased, whatever became of the thing. */
export function erasable<S, C extends { type: string }, E extends { type: string }>(
  decider: Decider<S, C, E | PersonalTextErased>,
): Decider<Erasable<S>, C | ErasePersonalText, E | PersonalTextErased> {
  return {
    initial: { inner: decider.initial, erasures: 0, hasText: false },
    decide(command, { inner, erasures, hasText }) {
      if (!isErase(command)) return decider.decide(command, inner);
      return hasText ? [{ type: 'PersonalTextErased', key_number: erasures, at: command.now }] : [];
    },
    evolve({ inner, erasures, hasText }, event) {
      const state = decider.evolve(inner, event);
      if (isErased(event)) return { inner: state, erasures: event.key_number + 1, hasText: false };
      return { inner: state, erasures, hasText: hasText || personalFieldsOf(event).length > 0 };
    },
  };
}

const isErase = (command: { type: string }): command is ErasePersonalText => command.type === 'ErasePersonalText';
export const isErased = (event: { type: string }): event is PersonalTextErased => event.type === 'PersonalTextErased';
