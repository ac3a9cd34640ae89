import { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import protobuf, { type IMapField, type IType } from 'protobufjs/light.js';

/**
 * Nearly all that the store sends are events. The client's protobuf library makes a tree of messages of each, with all that
 * it takes to change and write them, for the client to read every field once; that costs more than all else between the
 * socket and our code. Here another library reads the same bytes, and the client finds the fields under the same names.
 * What is not a plain event (a link, an id of another form, news of a subscription) goes the client's own way.
 */
const byItself = ReadResp.deserializeBinary.bind(ReadResp);
ReadResp.deserializeBinary = (bytes) => (plainEvent(bytes) as ReadResp | null) ?? byItself(bytes);

const field = (id: number, type: string) => ({ id, type });

/** The published protocol, as far as a plain event goes. */
const messages: Record<string, IType> = {
  Response: { fields: { event: field(1, 'Event') } },
  Event: { fields: { recorded: field(1, 'Recorded'), link: field(2, 'bytes'), commit: field(3, 'uint64') } },
  Recorded: {
    fields: {
      id: field(1, 'Id'),
      stream: field(2, 'Stream'),
      revision: field(3, 'uint64'),
      prepare: field(4, 'uint64'),
      commit: field(5, 'uint64'),
      system: { ...field(6, 'string'), keyType: 'string' } as IMapField,
      metadata: field(7, 'bytes'),
      data: field(8, 'bytes'),
    },
  },
  Id: { fields: { text: field(2, 'string') } },
  Stream: { fields: { name: field(3, 'bytes') } },
};
const response = protobuf.Root.fromJSON({ nested: messages }).lookupType('Response');

interface Event {
  recorded: Recorded | null;
  link: Buffer;
  commit: Whole;
}

interface Recorded {
  id: { text: string } | null;
  stream: { name: Buffer } | null;
  revision: Whole;
  prepare: Whole;
  commit: Whole;
  system: Record<string, string>;
  metadata: Buffer;
  data: Buffer;
}

/** A number of 64 bits. */
interface Whole {
  toBigInt(): bigint;
}

function plainEvent(bytes: Uint8Array) {
  const message = response.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const { event } = message as unknown as { event: Event | null };
  const { recorded } = event ?? {};
  if (!event || !recorded?.id?.text || !recorded.stream || recorded.data.length === 0) return null;
  if (event.link.length > 0 || !Object.hasOwn(event, 'commit')) return null;
  const resolved = {
    hasEvent: yes,
    getEvent: () => asRecordedEvent(recorded),
    hasLink: no,
    hasCommitPosition: yes,
    getCommitPosition: () => event.commit.toBigInt(),
  };
  return { hasEvent: yes, getEvent: () => resolved };
}

const yes = () => true;
const no = () => false;

/** Under the names by which the client asks. */
function asRecordedEvent({ id, stream, revision, prepare, commit, system, metadata, data }: Recorded) {
  const ofId = { hasStructured: no, getString: () => id!.text };
  const ofStream = { getStreamName: () => stream!.name };
  return {
    hasId: yes,
    getId: () => ofId,
    hasStreamIdentifier: yes,
    getStreamIdentifier: () => ofStream,
    getStreamRevision: () => revision.toBigInt(),
    getPreparePosition: () => prepare.toBigInt(),
    getCommitPosition: () => commit.toBigInt(),
    getMetadataMap: () => ({ get: (name: string) => system[name] }),
    getCustomMetadata_asU8: () => metadata,
    getData: () => data,
    getData_asU8: () => data,
  };
}
