import { NO_REVISION, TOMBSTONE_REVISION } from './event.js';
import { NO_METADATA, parseMetadata, type StreamMetadata } from './stream-metadata.js';

/** Everything the writer and the readers need to know of a stream and of its metastream `$$<stream>`. Never changed in place. */
export interface StreamState {
  readonly revision: bigint;
  readonly metaRevision: bigint;
  readonly metadata: StreamMetadata;
}

/** The state seen from one of the two streams it describes. */
export interface StreamView {
  readonly revision: bigint;
  readonly metaRevision: bigint;
  readonly softDeleted: boolean;
  /** The first revision that may be read. */
  readonly firstReadable: bigint;
  readonly maxAgeSeconds: number | undefined;
}

export const METASTREAM_PREFIX = '$$';

export const isMetastream = (stream: string): boolean => stream.startsWith(METASTREAM_PREFIX);

/** The name under which the state of a stream or metastream is kept. */
export const ownerOf = (stream: string): string =>
  isMetastream(stream) ? stream.slice(METASTREAM_PREFIX.length) : stream;

export const metastreamOf = (stream: string): string => METASTREAM_PREFIX + stream;

/** The state from stored facts: the last revisions, and the data of the last metadata event. */
export function streamState(revision: bigint, metaRevision: bigint, metadata?: Buffer): StreamState {
  return { revision, metaRevision, metadata: metadata ? parseMetadata(metadata) : NO_METADATA };
}

/** A tombstone also ends the metastream; a metastream shows only its last event. */
export function viewOf(stream: string, state: StreamState): StreamView {
  if (!isMetastream(stream)) return ownView(state);
  const revision = state.revision === TOMBSTONE_REVISION ? TOMBSTONE_REVISION : state.metaRevision;
  return {
    revision,
    metaRevision: NO_REVISION,
    softDeleted: false,
    firstReadable: revision < 0n ? 0n : revision,
    maxAgeSeconds: undefined,
  };
}

function ownView({ revision, metaRevision, metadata }: StreamState): StreamView {
  const { softDeleted, truncateBefore, maxCount, maxAgeSeconds } = metadata;
  const keptFrom = maxCount === undefined ? 0n : revision - maxCount + 1n;
  const firstReadable = keptFrom > truncateBefore ? keptFrom : truncateBefore;
  return { revision, metaRevision, softDeleted, firstReadable, maxAgeSeconds };
}
