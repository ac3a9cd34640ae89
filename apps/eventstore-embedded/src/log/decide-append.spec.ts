import { describe, expect, it } from '@jest/globals';
import { decideAppend, decideRepeat, type AppendQuestion, type WrittenEvent } from './decide-append.js';
import { NO_REVISION, TOMBSTONE_REVISION, type ExpectedRevision } from './event.js';
import { type StreamView } from './stream-state.js';

const MISSING: StreamView = {
  revision: NO_REVISION,
  metaRevision: NO_REVISION,
  softDeleted: false,
  firstReadable: 0n,
  maxAgeSeconds: undefined,
};
const LIVE: StreamView = { ...MISSING, revision: 5n };
const SOFT_DELETED: StreamView = { ...LIVE, metaRevision: 0n, softDeleted: true };
const TOMBSTONED: StreamView = { ...LIVE, revision: TOMBSTONE_REVISION };

function question(view: StreamView, expected: ExpectedRevision, more: Partial<AppendQuestion> = {}): AppendQuestion {
  return { stream: 's', expected, eventIds: ['new'], view, written: () => undefined, ...more };
}

/** Ids `a`, `b`, … were written to `stream` from `firstRevision` on, at positions 1000, 1001, … */
function writtenFrom(firstRevision: bigint, ids: string[], stream = 's') {
  const places = new Map<string, WrittenEvent>(
    ids.map((id, i) => [id, { stream, revision: firstRevision + BigInt(i), position: 1000n + BigInt(i) }]),
  );
  return (id: string) => places.get(id);
}

describe('an append is decided by the state of its stream', () => {
  it.each<[string, StreamView, ExpectedRevision, string]>([
    ['any on a missing stream', MISSING, 'any', 'write'],
    ['any on a live stream', LIVE, 'any', 'write'],
    ['any on a soft-deleted stream', SOFT_DELETED, 'any', 'write'],
    ['any on a tombstoned stream', TOMBSTONED, 'any', 'deleted'],
    ['no_stream on a missing stream', MISSING, 'no_stream', 'write'],
    ['no_stream on a live stream', LIVE, 'no_stream', 'compare_stored'],
    ['no_stream on a tombstoned stream', TOMBSTONED, 'no_stream', 'deleted'],
    ['stream_exists on a missing stream', MISSING, 'stream_exists', 'wrong_expected_version'],
    ['stream_exists where only metadata exists', { ...MISSING, metaRevision: 0n }, 'stream_exists', 'write'],
    ['stream_exists on a live stream', LIVE, 'stream_exists', 'write'],
    ['stream_exists on a soft-deleted stream', SOFT_DELETED, 'stream_exists', 'deleted'],
    ['the exact revision', LIVE, 5n, 'write'],
    ['the exact revision of a soft-deleted stream', SOFT_DELETED, 5n, 'write'],
    ['a revision ahead of the stream', LIVE, 6n, 'wrong_expected_version'],
    ['revision 0 of a missing stream', MISSING, 0n, 'wrong_expected_version'],
    ['a revision behind the stream', LIVE, 4n, 'compare_stored'],
    ['a revision on a tombstoned stream', TOMBSTONED, 5n, 'deleted'],
  ])('%s', (_name, view, expected, kind) => {
    expect(decideAppend(question(view, expected)).kind).toBe(kind);
  });

  it('refuses a delete, which has no ids, at a revision behind the stream', () => {
    expect(decideAppend(question(LIVE, 4n, { eventIds: [] })).kind).toBe('wrong_expected_version');
  });
});

describe('a repeat that is recently written', () => {
  const repeat = { eventIds: ['a', 'b'], written: writtenFrom(4n, ['a', 'b']) };
  const done = { kind: 'already_written', revision: 5n, position: 1001n };

  it.each<ExpectedRevision>(['any', 'stream_exists', 3n])('is answered as before when expecting %s', (expected) => {
    expect(decideAppend(question(LIVE, expected, repeat))).toEqual(done);
  });

  it('is refused when only its beginning was written', () => {
    expect(decideAppend(question(LIVE, 'any', { ...repeat, eventIds: ['a', 'new'] })).kind).toBe(
      'wrong_expected_version',
    );
  });

  it('counts only in its own stream', () => {
    const elsewhere = { eventIds: ['a'], written: writtenFrom(4n, ['a'], 'other') };
    expect(decideAppend(question(LIVE, 'any', elsewhere)).kind).toBe('write');
    expect(decideAppend(question(LIVE, 3n, elsewhere)).kind).toBe('compare_stored');
  });

  it('counts only at its own revisions', () => {
    expect(decideAppend(question(LIVE, 2n, repeat))).toEqual({ kind: 'compare_stored', firstRevision: 3n });
  });
});

describe('a repeat that is long written is known by its stored ids', () => {
  const old = question(LIVE, 'no_stream', { eventIds: ['a', 'b'] });

  it('is answered as before when all ids are the same', () => {
    const stored = [
      { id: 'a', position: 10n },
      { id: 'b', position: 20n },
    ];
    expect(decideRepeat(old, 0n, stored)).toEqual({ kind: 'already_written', revision: 1n, position: 20n });
  });

  it.each([
    ['the first id differs', ['x', 'b']],
    ['a later id differs', ['a', 'x']],
    ['the stream ends before it', ['a']],
  ])('is a conflict when %s', (_name, ids) => {
    const stored = ids.map((id) => ({ id, position: 10n }));
    expect(decideRepeat(old, 0n, stored).kind).toBe('wrong_expected_version');
  });

  it('starts a soft-deleted stream anew when it is no repeat', () => {
    const anew = question(SOFT_DELETED, 'no_stream', { eventIds: ['x'] });
    expect(decideRepeat(anew, 0n, [{ id: 'a', position: 10n }]).kind).toBe('write');
    expect(decideRepeat({ ...anew, expected: 2n }, 3n, [{ id: 'a', position: 10n }]).kind).toBe(
      'wrong_expected_version',
    );
  });
});
