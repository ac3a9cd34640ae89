import { describe, it } from '@jest/globals';
import type { ViewReplayEvent } from '#contracts/replay.js';
import { specification } from '#testing/given.js';
import { viewReplay } from './view-replay.decider.js';

const given = specification(viewReplay);
const at = '2026-11-07T05:31:56.000Z';
const terms = { replay_id: 'r', view: 'users', verify: true, at };
const started: ViewReplayEvent = { type: 'ViewReplayStarted', ...terms };
const result = { outcome: 'done' as const, differing: 0, at };
const ended: ViewReplayEvent = { type: 'ViewReplayEnded', ...result };
const start = { type: 'StartViewReplay' as const, ...terms };
const end = { type: 'EndViewReplay' as const, ...result };

describe('the replay of a view', () => {
  it('starts once', () => {
    given().when(start).then(started);
    given(started).when(start).thenNothing();
    given(started, ended).when(start).thenNothing();
  });

  it('ends once, and not before it has started', () => {
    given().when(end).thenNothing();
    given(started).when(end).then(ended);
    given(started, ended).when(end).thenNothing();
  });
});
