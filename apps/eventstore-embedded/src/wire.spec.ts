import { describe, expect, it } from '@jest/globals';
import { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { TOMBSTONE_REVISION, type StoredEvent } from './log/event.js';
import { linkResponse, readResponse } from './wire.js';

const event = (changes: Partial<StoredEvent> = {}): StoredEvent => ({
  position: 4711n,
  stream: 'session-1',
  revision: 3n,
  id: '0ea9efe4-cc5c-458f-8f6b-2b419d8c9d4f',
  type: 'SessionMinted',
  isJson: true,
  created: '17637832603810000',
  data: Buffer.from('{"label":"Ünïcødé"}'),
  metadata: Buffer.from('{"actor":"key"}'),
  ...changes,
});

/** Read back by the client's own classes. */
const decode = (bytes: Buffer) => ReadResp.deserializeBinary(new Uint8Array(bytes)).getEvent();

function fields(stored: StoredEvent) {
  const recorded = decode(readResponse(stored))?.getEvent();
  const metadata = recorded?.getMetadataMap();
  return {
    position: recorded?.getCommitPosition(),
    prepare: recorded?.getPreparePosition(),
    stream: Buffer.from(recorded?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
    revision: recorded?.getStreamRevision(),
    id: recorded?.getId()?.getString(),
    type: metadata?.get('type'),
    contentType: metadata?.get('content-type'),
    created: metadata?.get('created'),
    data: Buffer.from(recorded?.getData_asU8() ?? []),
    metadata: Buffer.from(recorded?.getCustomMetadata_asU8() ?? []),
  };
}

describe('an event on the wire', () => {
  it('is read back whole by the generated classes', () => {
    expect(fields(event())).toEqual({
      position: '4711',
      prepare: '4711',
      stream: 'session-1',
      revision: '3',
      id: event().id,
      type: 'SessionMinted',
      contentType: 'application/json',
      created: event().created,
      data: event().data,
      metadata: event().metadata,
    });
    expect(decode(readResponse(event()))?.getCommitPosition()).toBe('4711');
  });

  it.each([0n, 127n, 128n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 62n + 12345n, TOMBSTONE_REVISION])(
    'keeps the 64-bit number %s exact',
    (number) => {
      const { revision, position } = fields(event({ revision: number, position: number }));
      expect([revision, position]).toEqual([String(number), String(number)]);
    },
  );

  it.each([0, 1, 127, 128, 16_383, 16_384, 1_048_576])('carries %s bytes of data', (length) => {
    const data = Buffer.alloc(length, 'x');
    expect(fields(event({ data, isJson: false })).data.equals(data)).toBe(true);
  });

  it('names streams and types of any script, and says what is not JSON', () => {
    const odd = fields(event({ stream: 'łódź-𝕏', type: '事件', isJson: false, metadata: Buffer.alloc(0) }));
    expect(odd).toMatchObject({ stream: 'łódź-𝕏', type: '事件', contentType: 'application/octet-stream' });
    expect(odd.metadata).toHaveLength(0);
  });

  it('is encoded once for all its readers', () => {
    const stored = event();
    expect(readResponse(stored)).toBe(readResponse(stored));
  });
});

describe('a link on the wire', () => {
  const link = event({ type: '$>', stream: '$ce-session', position: 9000n });

  it('brings the event it names, at the position of the link', () => {
    const resolved = decode(linkResponse(link, event()));
    expect(resolved?.getEvent()?.getCommitPosition()).toBe('4711');
    expect(resolved?.getLink()?.getCommitPosition()).toBe('9000');
    expect(resolved?.getCommitPosition()).toBe('9000');
  });

  it('comes alone when that event cannot be read any more', () => {
    const resolved = decode(linkResponse(link, undefined));
    expect(resolved?.hasEvent()).toBe(false);
    expect(resolved?.hasLink()).toBe(true);
  });
});
