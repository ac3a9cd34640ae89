import { TOMBSTONE_REVISION, type ExpectedRevision } from './event.js';
import { type StreamView } from './stream-state.js';

/** Where an event that was already written stands. */
export interface WrittenEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
}

/** One append, delete or tombstone, and what the server knows about its stream. */
export interface AppendQuestion {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** None for a delete. */
  readonly eventIds: readonly string[];
  readonly view: StreamView;
  /** Recently written events by id; older ones answer undefined. */
  readonly written: (eventId: string) => WrittenEvent | undefined;
}

export type FinalVerdict =
  | { readonly kind: 'write' }
  | { readonly kind: 'already_written'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong_expected_version' }
  | { readonly kind: 'deleted' };

/** The writer is behind: only the ids stored from `firstRevision` on tell a repeat from a conflict. */
export type AppendVerdict = FinalVerdict | { readonly kind: 'compare_stored'; readonly firstRevision: bigint };

export interface StoredId {
  readonly id: string;
  readonly position: bigint;
}

const WRITE: FinalVerdict = { kind: 'write' };
const DELETED: FinalVerdict = { kind: 'deleted' };
const WRONG: FinalVerdict = { kind: 'wrong_expected_version' };

/** EventStoreDB's decision table for a commit (its IndexWriter.CheckCommit), without any I/O. */
export function decideAppend(question: AppendQuestion): AppendVerdict {
  const { expected, view } = question;
  if (view.revision === TOMBSTONE_REVISION) return DELETED;
  if (expected === 'any') return decideLoose(question);
  if (expected === 'no_stream') return decideExact(question, -1n);
  if (expected !== 'stream_exists') return decideExact(question, expected);
  if (view.softDeleted) return DELETED;
  if (view.revision < 0n && view.metaRevision < 0n) return WRONG;
  return decideLoose(question);
}

/** Without an exact revision a repeat is known only by recent ids; a half-known one is refused rather than half-written. */
function decideLoose({ stream, eventIds, written }: AppendQuestion): FinalVerdict {
  const places = eventIds.map(written).map((place) => (place?.stream === stream ? place : undefined));
  if (places[0] === undefined) return WRITE;
  const last = places.at(-1);
  if (last === undefined || places.includes(undefined)) return WRONG;
  return { kind: 'already_written', revision: last.revision, position: last.position };
}

function decideExact({ stream, eventIds, view, written }: AppendQuestion, expected: bigint): AppendVerdict {
  if (expected === view.revision) return WRITE;
  if (expected > view.revision || eventIds.length === 0) return WRONG;
  const firstRevision = expected + 1n;
  const places = eventIds.map(written);
  const last = places.at(-1);
  const isRepeat = places.every((p, i) => p?.stream === stream && p.revision === firstRevision + BigInt(i));
  if (last && isRepeat) return { kind: 'already_written', revision: last.revision, position: last.position };
  return { kind: 'compare_stored', firstRevision };
}

/** Ends a `compare_stored`: `stored` are the ids at the revisions the append would have taken. */
export function decideRepeat(
  question: AppendQuestion,
  firstRevision: bigint,
  stored: readonly StoredId[],
): FinalVerdict {
  const { eventIds, expected, view } = question;
  const last = stored[eventIds.length - 1];
  if (last && eventIds.every((id, i) => stored[i]?.id === id)) {
    return { kind: 'already_written', revision: firstRevision + BigInt(eventIds.length - 1), position: last.position };
  }
  const startsAnew = expected === 'no_stream' && view.softDeleted && stored[0]?.id !== eventIds[0];
  return startsAnew ? WRITE : WRONG;
}
