import { expect, it } from '@jest/globals';
import { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';

const base64 = Buffer.from(JSON.stringify({ name: 'Zoë 🌻', none: null })).toString('base64');

function message(): BatchAppendReq.ProposedMessage {
  const event = new BatchAppendReq.ProposedMessage();
  event.setId(new UUID().setString('b5f1b1a4-54c4-5f0e-9a55-0f2f4b7c9c11'));
  event.getMetadataMap().set('type', 'SessionMinted').set('content-type', 'application/json');
  return event.setData(base64).setCustomMetadata(base64);
}

it('puts the same bytes on the wire as the client by itself', async () => {
  const byItself = message();
  await import('./append-as-bytes.js');
  const asBytes = message();
  expect(typeof byItself.getData()).toBe('string');
  expect(asBytes.getData()).toBeInstanceOf(Uint8Array);
  expect(Buffer.from(asBytes.serializeBinary())).toEqual(Buffer.from(byItself.serializeBinary()));
});
