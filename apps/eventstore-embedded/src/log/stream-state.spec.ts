import { describe, expect, it } from '@jest/globals';
import { TOMBSTONE_REVISION } from './event.js';
import { revivedMetadata } from './stream-metadata.js';
import { streamState, viewOf } from './stream-state.js';

const view = (metadata: string, revision = 9n) => viewOf('s', streamState(revision, 0n, Buffer.from(metadata)));

describe('what may be read of a stream', () => {
  it.each([
    ['{}', 0n],
    ['{"$tb":4}', 4n],
    ['{"$maxCount":3}', 7n],
    ['{"$maxCount":3,"$tb":8}', 8n],
    ['{"$maxCount":30}', 0n],
    ['{"$maxCount":-1}', 0n],
    ['{"nested":{"$tb":4},"list":[{"$tb":5}],"text":"\\"$tb\\":6"}', 0n],
    ['{"nested":{"$tb":4},"brackets":"{[","$tb":2}', 2n],
    ['not json', 0n],
    ['null', 0n],
    ['["$tb", {"$tb":4}]', 0n],
  ])('under metadata %s begins at revision %s', (metadata, firstReadable) => {
    expect(view(metadata).firstReadable).toBe(firstReadable < 0n ? 0n : firstReadable);
  });

  it('is limited by age', () => {
    expect(view('{"$maxAge":60}').maxAgeSeconds).toBe(60);
    expect(view('{"$maxAge":"60"}').maxAgeSeconds).toBeUndefined();
  });

  it('is nothing while it is truncated before the largest revision', () => {
    expect(view(`{"$tb" : ${TOMBSTONE_REVISION}}`).softDeleted).toBe(true);
    expect(view(`{"$tb":${TOMBSTONE_REVISION - 1n}}`).softDeleted).toBe(false);
  });

  it('of a metastream is its last event', () => {
    expect(viewOf('$$s', streamState(9n, 4n))).toMatchObject({ revision: 4n, firstReadable: 4n });
  });

  it('of the metastream ends with the stream', () => {
    expect(viewOf('$$s', streamState(TOMBSTONE_REVISION, 4n)).revision).toBe(TOMBSTONE_REVISION);
  });
});

describe('reviving a deleted stream', () => {
  it.each([
    [`{"owner":"x", "$tb": ${TOMBSTONE_REVISION}, "$maxCount":5}`, '{"owner":"x", "$tb": 12, "$maxCount":5}'],
    [`{"nested":{"$tb":7},"$tb":${TOMBSTONE_REVISION}}`, '{"nested":{"$tb":7},"$tb":12}'],
    ['{"owner":{"name":"x"}} ', '{"owner":{"name":"x"},"$tb":12}'],
    ['{ }', '{ "$tb":12}'],
  ])('changes of metadata %s only where it is truncated', (json, revived) => {
    expect(revivedMetadata(json, 12n)?.toString()).toBe(revived);
  });

  it.each(['null', '[1]', 'not json'])('leaves metadata %s as it is, which is no object', (json) => {
    expect(revivedMetadata(json, 12n)).toBeUndefined();
  });
});
