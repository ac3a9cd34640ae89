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

/** What is kept of an event of which only a little counts, and where and when it stands. */
export type Placed = Pick<Recorded, 'event' | 'created' | 'commit'>;

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
    event: withType(event.data, event.type) as E,
    metadata: event.metadata as unknown as EventMetadata,
    created: event.created,
    commit: event.position?.commit ?? 0n,
    prepare: event.position?.prepare ?? 0n,
  };
}

/** Says it on the data itself, which is ours alone: a copy costs as much as all else that is done here. */
function withType(data: unknown, type: string): object {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return { ...(data as object), type };
  return Object.assign(data, { type });
}

/** The id part of `kind-<id>`. */
export const streamIdOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1);
