import { type AllStreamResolvedEvent, type ResolvedEvent } from '@eventstore/db-client';
import type { EventMetadata } from '#contracts/envelope.js';

/** An event as it was written: its facts, who caused it, and where it stands. */
export interface Recorded<E extends { type: string } = { type: string }> {
  id: string;
  stream: string;
  revision: bigint;
  event: E;
  metadata: EventMetadata;
  /** When the store wrote it. */
  created: Date;
  commit: bigint;
  prepare: bigint;
}

/** Null for what is not ours to read: system events, links to deleted events, bytes that are not JSON. */
export function toRecorded<E extends { type: string }>(
  resolved: ResolvedEvent | AllStreamResolvedEvent,
): Recorded<E> | null {
  const { event } = resolved;
  if (!event || !event.isJson || event.type.startsWith('$')) return null;
  return {
    id: event.id,
    stream: event.streamId,
    revision: event.revision,
    event: { ...(event.data as object), type: event.type } as E,
    metadata: event.metadata as unknown as EventMetadata,
    created: event.created,
    commit: event.position?.commit ?? 0n,
    prepare: event.position?.prepare ?? 0n,
  };
}

/** The id part of `kind-<id>`. */
export const streamIdOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);
