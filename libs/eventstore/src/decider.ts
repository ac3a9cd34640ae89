/** The rules of one kind of stream. Pure: no clock, no id, no I/O; what they need travels in the command. */
export interface Decider<State, Command, Event> {
  initial: State;
  /** Refuses by throwing DomainError; answers [] when the wish is already true. */
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
}

export const fold = <S, C, E>(decider: Decider<S, C, E>, events: E[]): S =>
  events.reduce((state, event) => decider.evolve(state, event), decider.initial);
