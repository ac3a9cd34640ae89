import { describe, expect, it } from '@jest/globals';
import { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { convertGrpcEvent } from '@eventstore/db-client/dist/utils/convertGrpcEvent.js';

const byItself = ReadResp.deserializeBinary.bind(ReadResp);

const id = new UUID().setString('b5f1b1a4-54c4-5f0e-9a55-0f2f4b7c9c11');
const json = Buffer.from(JSON.stringify({ name: 'Zoë 🌻', none: null }));

function recorded(contentType = 'application/json'): ReadResp.ReadEvent.RecordedEvent {
  const event = new ReadResp.ReadEvent.RecordedEvent()
    .setId(id)
    .setStreamIdentifier(new StreamIdentifier().setStreamName(Buffer.from('user-Zoë')))
    .setStreamRevision('7')
    .setPreparePosition('9007199254740993')
    .setCommitPosition('18446744073709551614')
    .setCustomMetadata(json)
    .setData(json);
  event
    .getMetadataMap()
    .set('type', 'UserCreated')
    .set('created', '17327052000000000')
    .set('content-type', contentType);
  return event;
}

const carrying = (event: ReadResp.ReadEvent) => new ReadResp().setEvent(event).serializeBinary();
const inAll = (event: ReadResp.ReadEvent.RecordedEvent) =>
  carrying(new ReadResp.ReadEvent().setEvent(event).setCommitPosition('18446744073709551614'));

const plain = {
  'an event': inAll(recorded()),
  'the first event of a stream': inAll(recorded().setStreamRevision('0')),
  'an event of bytes': inAll(recorded('application/octet-stream')),
  'an event without metadata': inAll(recorded().setCustomMetadata('')),
};

const link = new ReadResp.ReadEvent().setEvent(recorded()).setLink(recorded()).setCommitPosition('5');
const structured = new UUID().setStructured(
  new UUID.Structured().setMostSignificantBits('-7').setLeastSignificantBits('9'),
);

const others = {
  'an event without data': inAll(recorded('application/octet-stream').setData('')),
  'a link': carrying(link),
  'a link whose event is gone': carrying(new ReadResp.ReadEvent().setLink(recorded()).setCommitPosition('5')),
  'an event without a position': carrying(new ReadResp.ReadEvent().setEvent(recorded())),
  'an id of another form': inAll(recorded().setId(structured)),
  'a confirmation': new ReadResp()
    .setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId('one'))
    .serializeBinary(),
  'a checkpoint': new ReadResp().setCheckpoint(new ReadResp.Checkpoint().setCommitPosition('5')).serializeBinary(),
  'news that all has come': new ReadResp().setCaughtUp(new ReadResp.CaughtUp()).serializeBinary(),
};

describe('the client hears the same as by itself', () => {
  it.each(Object.entries(plain))('of %s', async (_, bytes) => {
    await import('./read-as-bytes.js');
    const faster = ReadResp.deserializeBinary(bytes);
    expect(faster).not.toBeInstanceOf(ReadResp);
    expect(convertGrpcEvent(faster.getEvent()!)).toEqual(convertGrpcEvent(byItself(bytes).getEvent()!));
  });

  it.each(Object.entries(others))('of %s, which it reads itself', async (_, bytes) => {
    await import('./read-as-bytes.js');
    expect(ReadResp.deserializeBinary(bytes)).toEqual(byItself(bytes));
  });
});
