import { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';

/**
 * The client hands an event's JSON to its protobuf library as base64 text, which that one decodes a character at a time,
 * and twice: to know the size and to send it. As bytes the same message leaves at a fraction of the cost. Nothing else
 * about the client changes, and nothing on the wire.
 */
const { prototype } = BatchAppendReq.ProposedMessage;

for (const name of ['setData', 'setCustomMetadata'] as const) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on its own message below
  const set = prototype[name];
  prototype[name] = function (this: BatchAppendReq.ProposedMessage, value: Uint8Array | string) {
    return set.call(this, typeof value === 'string' ? bytesOf(value) : value);
  };
}

/** The library copies whatever is not exactly a Uint8Array. */
function bytesOf(base64: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(base64, 'base64');
  return new Uint8Array(buffer, byteOffset, length);
}
