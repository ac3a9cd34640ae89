import { describe, expect, it } from '@jest/globals';
import { NO_REVISION } from './event.js';
import { streamState, type StreamState } from './stream-state.js';
import { StreamStates } from './stream-states.js';

/** A table whose loads are answered when the test says so. */
function table() {
  const loads: { owners: readonly string[]; answer: (states: StreamState[]) => void; fail: (error: Error) => void }[] =
    [];
  const load = (owners: readonly string[]) =>
    new Promise<StreamState[]>((answer, fail) => loads.push({ owners, answer, fail }));
  return { loads, load };
}

const at = (revision: bigint) => streamState(revision, NO_REVISION);
const turn = () => new Promise(setImmediate);

describe('the states of streams', () => {
  it('are loaded by one query for all that ask in the same turn, and once for the same stream', async () => {
    const { loads, load } = table();
    const states = new StreamStates(load, 100);
    const asked = [states.of('a'), states.of('b'), states.of('$$a'), states.of('a')];
    await turn();
    expect(loads.map(({ owners }) => owners)).toEqual([['a', 'b']]);
    loads[0]?.answer([at(1n), at(2n)]);
    expect((await Promise.all(asked.map(async (state) => state))).map(({ revision }) => revision)).toEqual([
      1n,
      2n,
      1n,
      1n,
    ]);
    expect(states.of('a')).toEqual(at(1n));
  });

  it('follow the commits without asking again', () => {
    const { loads, load } = table();
    const states = new StreamStates(load, 100);
    states.replace('a', at(7n));
    expect(states.of('a')).toEqual(at(7n));
    expect(loads).toHaveLength(0);
  });

  it('do not go back when a load that began before a commit ends after it', async () => {
    const { loads, load } = table();
    const states = new StreamStates(load, 100);
    const early = states.of('a');
    await turn();
    states.replace('a', at(8n));
    loads[0]?.answer([at(7n)]);
    await early;
    expect(states.of('a')).toEqual(at(8n));
  });

  it('are asked for again after a load that failed', async () => {
    const { loads, load } = table();
    const states = new StreamStates(load, 100);
    const first = states.of('a');
    await turn();
    loads[0]?.fail(new Error('connection lost'));
    await expect(first).rejects.toThrow('connection lost');
    const second = states.of('a');
    await turn();
    loads[1]?.answer([at(1n)]);
    expect(await second).toEqual(at(1n));
  });

  it('are forgotten, oldest first, when they become too many', async () => {
    const { loads, load } = table();
    const states = new StreamStates(load, 4);
    for (const stream of ['a', 'b', 'c', 'd']) states.replace(stream, at(1n));
    expect(states.of('d')).toEqual(at(1n));
    void states.of('a');
    await turn();
    expect(loads[0]?.owners).toEqual(['a']);
  });
});
