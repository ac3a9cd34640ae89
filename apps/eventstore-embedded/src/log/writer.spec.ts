import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { EMPTY, NO_REVISION, type ExpectedRevision, type ProposedEvent } from './event.js';
import { type Group, type WriteRequest } from './group.js';
import { ShuttingDown, StreamDeleted, TimedOut, WrongExpectedVersion } from './refusals.js';
import { streamState } from './stream-state.js';
import { StreamStates } from './stream-states.js';
import { TwoGenerationMap } from './two-generation-map.js';
import { Writer } from './writer.js';

/** A writer over an empty table that was last written at `created`; `failNext` makes its next commit fail. */
function emptyLog(created = 0n) {
  const groups: Group[] = [];
  const log = { failNext: false };
  const states = new StreamStates(
    (owners) => Promise.resolve(owners.map(() => streamState(NO_REVISION, NO_REVISION))),
    100,
  );
  const end = { nextPosition: 100n, created };
  const writer = new Writer(end, {
    states,
    recent: new TwoGenerationMap(100),
    commit: () => (log.failNext ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    storedIds: () => Promise.resolve([]),
    publish: (group) => groups.push(group),
  });
  return { writer, groups, log };
}

const event = (bytes = 0): ProposedEvent => ({
  id: randomUUID(),
  type: 'T',
  isJson: true,
  data: Buffer.alloc(bytes),
  metadata: EMPTY,
});

function append(stream: string, expected: ExpectedRevision, events = [event()], deadline = Infinity): WriteRequest {
  return { operation: 'append', stream, expected, events, deadline };
}

const remove = (
  operation: 'delete' | 'tombstone',
  stream: string,
  expected: ExpectedRevision = 'any',
): WriteRequest => ({
  operation,
  stream,
  expected,
  events: [],
  deadline: Infinity,
});

/** Stream and revision of everything published. */
const published = (groups: Group[]) => groups.map((group) => group.events.map((e) => `${e.stream}@${e.revision}`));

describe('the writer', () => {
  it('commits what arrives together as one group, each request decided on top of those before it', async () => {
    const { writer, groups } = emptyLog();
    const requests = [append('a', 'no_stream'), append('b', 'any'), append('a', 0n), append('a', 0n)];
    const answers = await Promise.allSettled(requests.map((request) => writer.submit(request)));
    expect(published(groups)).toEqual([['a@0', 'b@0', 'a@1']]);
    expect(answers[2]).toMatchObject({ status: 'fulfilled', value: { revision: 1n } });
    expect(answers[3]).toMatchObject({ status: 'rejected', reason: new WrongExpectedVersion(1n) });
  });

  it('gives positions that grow, within a group and from group to group', async () => {
    const { writer, groups } = emptyLog();
    await writer.submit(append('a', 'any', [event(10), event(0), event(1000)]));
    await writer.submit(append('b', 'any'));
    const positions = groups.flatMap((group) => group.events.map(({ position }) => position));
    expect(positions[0]).toBe(100n);
    expect([...positions].sort((x, y) => Number(x - y))).toEqual(positions);
    expect(new Set(positions).size).toBe(4);
  });

  it('recognises a repeat inside the same group', async () => {
    const { writer, groups } = emptyLog();
    const request = append('a', 'no_stream');
    const [first, second] = await Promise.all([writer.submit(request), writer.submit(request)]);
    expect(second).toMatchObject({ revision: first.revision, position: first.position });
    expect(published(groups)).toEqual([['a@0']]);
  });

  it('leaves nothing behind when a commit fails', async () => {
    const { writer, groups, log } = emptyLog();
    log.failNext = true;
    await expect(writer.submit(append('a', 'no_stream'))).rejects.toThrow('disk full');
    log.failNext = false;
    await writer.submit(append('a', 'no_stream'));
    expect(published(groups)).toEqual([['a@0']]);
    expect(groups[0]?.events[0]?.position).toBe(100n);
  });

  it('splits a long queue into groups of bounded size', async () => {
    const { writer, groups } = emptyLog();
    const many = Array.from({ length: 5 }, () =>
      append(
        'a',
        'any',
        Array.from({ length: 1_000 }, () => event()),
      ),
    );
    const heavy = Array.from({ length: 3 }, () => append('b', 'any', [event(5 * 1024 * 1024)]));
    await Promise.all([...many, ...heavy].map((request) => writer.submit(request)));
    expect(groups.map((group) => group.events.length)).toEqual([2_000, 2_000, 1_001, 1, 1]);
  });

  it('does not write what was not decided in time', async () => {
    const { writer, groups } = emptyLog();
    await expect(writer.submit(append('a', 'any', [event()], Date.now() - 1))).rejects.toThrow(TimedOut);
    expect(groups).toEqual([]);
  });

  it('hides a deleted stream until it is written again, from where it was', async () => {
    const { writer, groups } = emptyLog();
    await writer.submit(append('a', 'no_stream'));
    await writer.submit(remove('delete', 'a', 0n));
    await expect(writer.submit(append('a', 'stream_exists'))).rejects.toThrow(StreamDeleted);
    await expect(writer.submit(append('a', 'no_stream'))).resolves.toMatchObject({ revision: 1n });
    expect(published(groups)).toEqual([['a@0'], ['$$a@0'], ['a@1', '$$a@1']]);
    expect(groups[2]?.events[1]?.data.toString()).toBe('{"$tb":1}');
  });

  it('brings a deleted stream back, without its old events, also when its metadata is written', async () => {
    const { writer, groups } = emptyLog();
    await writer.submit(append('a', 'no_stream', [event(), event()]));
    await writer.submit(remove('delete', 'a', 1n));
    const metadata = { ...event(), data: Buffer.from('{"$maxCount":5}') };
    await expect(writer.submit(append('$$a', 0n, [metadata]))).resolves.toMatchObject({ revision: 1n });
    expect(published(groups).at(-1)).toEqual(['$$a@1', '$$a@2']);
    expect(groups.at(-1)?.events[1]?.data.toString()).toBe('{"$maxCount":5,"$tb":2}');
  });

  it('refuses to delete what was never written', async () => {
    const { writer } = emptyLog();
    await expect(writer.submit(remove('delete', 'a'))).rejects.toEqual(new WrongExpectedVersion(NO_REVISION));
  });

  it('ends a stream and its metadata for ever by a tombstone', async () => {
    const { writer } = emptyLog();
    await writer.submit(append('a', 'no_stream'));
    await writer.submit(remove('tombstone', 'a', 0n));
    for (const request of [append('a', 'any'), append('$$a', 'any'), remove('delete', 'a')]) {
      await expect(writer.submit(request)).rejects.toThrow(StreamDeleted);
    }
  });

  it('answers what is queued before it closes, and refuses what comes later', async () => {
    const { writer } = emptyLog();
    const queued = writer.submit(append('a', 'any'));
    const closed = writer.close();
    await expect(writer.submit(append('b', 'any'))).rejects.toThrow(ShuttingDown);
    await closed;
    await expect(queued).resolves.toMatchObject({ revision: 0n });
  });

  it('dates no event before the one before it, also when the clock was set back', async () => {
    const ahead = BigInt(Date.now() + 3_600_000) * 10_000n;
    const { writer, groups } = emptyLog(ahead);
    for (const stream of ['a', 'b']) await writer.submit(append(stream, 'any'));
    expect(groups.flatMap(({ events }) => events.map(({ created }) => created))).toEqual([`${ahead}`, `${ahead}`]);
    const now = emptyLog();
    await now.writer.submit(append('a', 'any'));
    expect(BigInt(now.groups[0]!.events[0]!.created)).toBeLessThan(ahead);
  });
});
