import type { ViewReplayEvent } from '#contracts/replay.js';
import type { Decider } from '#eventstore/decider.js';

export type ViewReplayCommand =
  | ({ type: 'StartViewReplay' } & Omit<Extract<ViewReplayEvent, { type: 'ViewReplayStarted' }>, 'type'>)
  | ({ type: 'EndViewReplay' } & Omit<Extract<ViewReplayEvent, { type: 'ViewReplayEnded' }>, 'type'>);

type State = 'unknown' | 'running' | 'over';

/** A replay of one view is wished once, and over once. */
export const viewReplay: Decider<State, ViewReplayCommand, ViewReplayEvent> = {
  initial: 'unknown',
  decide: (command, state) => {
    if (command.type === 'StartViewReplay')
      return state === 'unknown' ? [{ ...command, type: 'ViewReplayStarted' }] : [];
    return state === 'running' ? [{ ...command, type: 'ViewReplayEnded' }] : [];
  },
  evolve: (_, { type }) => (type === 'ViewReplayStarted' ? 'running' : 'over'),
};
