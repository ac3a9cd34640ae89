import {
  type EventStoreDBClient,
  NO_STREAM,
  type ReadStreamOptions,
  START,
  StreamNotFoundError,
} from '@eventstore/db-client';
import { unavailable } from './failures.js';
import { openStream } from './personal-text.js';
import { type Recorded, toRecorded } from './recorded.js';

const READ_DEADLINE_MS = 3_000;

export interface StreamRead<E extends { type: string }> {
  events: Recorded<E>[];
  /** What the next append must expect. */
  revision: bigint | typeof NO_STREAM;
}

export const nothingRead: StreamRead<never> = { events: [], revision: NO_STREAM };

/**
 * A whole stream, or what came `after` a revision, `atMost` so many, oldest first; a stream that does not exist is empty.
 */
export async function readStream<E extends { type: string }>(
  client: EventStoreDBClient,
  stream: string,
  after?: bigint,
  atMost?: number,
): Promise<StreamRead<E>> {
  const events: Recorded<E>[] = [];
  let revision: bigint | typeof NO_STREAM = after ?? NO_STREAM;
  const fromRevision = after === undefined ? START : after + 1n;
  const options: ReadStreamOptions = {
    fromRevision,
    deadline: READ_DEADLINE_MS,
    ...(atMost !== undefined && { maxCount: atMost }),
  };
  try {
    for await (const resolved of client.readStream(stream, options)) {
      revision = resolved.event?.revision ?? revision;
      const recorded = toRecorded<E>(resolved);
      if (recorded) events.push(recorded);
    }
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw unavailable(error);
  }
  return { events: await openStream(client, events), revision };
}
