import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { Empty, StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import { AppendReq, DeleteReq, TombstoneReq } from '@eventstore/db-client/generated/streams_pb.js';
import { type WriteRequest } from '../log/group.js';
import { type Writer } from '../log/writer.js';
import { appendHandler } from './append.js';
import { deleteHandler, tombstoneHandler } from './delete.js';

const stream = new StreamIdentifier().setStreamName(Buffer.from('key-1').toString('base64'));

/** What a handler gives to the writer for a call. */
function asked(handle: (writer: Writer) => (call: never, callback: () => void) => void, call: unknown) {
  return new Promise<WriteRequest>((resolve) => {
    const submit = (request: WriteRequest) => {
      resolve(request);
      return Promise.resolve({ revision: 0n, position: 0n });
    };
    handle({ submit } as unknown as Writer)(call as never, () => undefined);
  });
}

const append = new AppendReq.Options().setStreamIdentifier(stream).setAny(new Empty());
const remove = new DeleteReq.Options().setStreamIdentifier(stream).setAny(new Empty());
const tombstone = new TombstoneReq.Options().setStreamIdentifier(stream).setAny(new Empty());

it.each([
  ['append', appendHandler, Readable.from([new AppendReq().setOptions(append)])],
  ['delete', deleteHandler, { request: new DeleteReq().setOptions(remove) }],
  ['tombstone', tombstoneHandler, { request: new TombstoneReq().setOptions(tombstone) }],
] as const)('a unary %s is decided within 2 s or not at all', async (operation, handle, call) => {
  const before = Date.now();
  const request = await asked(handle, call);
  expect(request.operation).toBe(operation);
  expect(request.deadline).toBeGreaterThanOrEqual(before + 2_000);
  expect(request.deadline).toBeLessThanOrEqual(Date.now() + 2_000);
});
