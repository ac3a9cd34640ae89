import { type EventStoreDBClient, NO_STREAM, START, StreamNotFoundError } from '@eventstore/db-client';
import { unavailable } from './failures.js';
import { openStream } from './personal-text.js';
import { type Recorded, toRecorded } from './recorded.js';

/**
 * So many events at a time: the heaviest, of about 44 KB each, are in memory at once, and a machine with very much else to do
 * has read them by the deadline.
 */
export const PAGE = 500;
/** Whoever asked has been told before that; it is the work that must not wait for ever. */
const PAGE_DEADLINE_MS = 8_000;

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
  atMost = Infinity,
): Promise<StreamRead<E>> {
  const read: StreamRead<E> = { events: [], revision: after ?? NO_STREAM };
  try {
    for (let left = atMost; left > 0; left -= PAGE) {
      const most = Math.min(left, PAGE);
      if ((await readPage(client, stream, read, most)) < most) break;
    }
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw unavailable(error);
  }
  return { events: await openStream(client, read.events), revision: read.revision };
}

/** What happened in a whole stream, without where it stands there. */
export const readFacts = async <E extends { type: string }>(client: EventStoreDBClient, stream: string): Promise<E[]> =>
  factsOf((await readStream<E>(client, stream)).events);

export const factsOf = <E extends { type: string }>(recorded: Recorded<E>[]): E[] => recorded.map(({ event }) => event);

/** Reads on from there, and says how many events came: also those that are not ours. */
async function readPage<E extends { type: string }>(
  client: EventStoreDBClient,
  stream: string,
  read: StreamRead<E>,
  maxCount: number,
): Promise<number> {
  const fromRevision = typeof read.revision === 'bigint' ? read.revision + 1n : START;
  let count = 0;
  for await (const resolved of client.readStream(stream, { fromRevision, maxCount, deadline: PAGE_DEADLINE_MS })) {
    count++;
    read.revision = resolved.event?.revision ?? read.revision;
    const recorded = toRecorded<E>(resolved);
    if (recorded) read.events.push(recorded);
  }
  return count;
}
