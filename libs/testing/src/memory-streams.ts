import { StreamNotFoundError, WrongExpectedVersionError } from '#eventstore/client.js';

export interface MemoryEvent {
  id: string;
  type: string;
  data: object;
}

interface Stretch {
  fromRevision: unknown;
  maxCount?: number;
}

/** As much of the event store's client as commands and folds need: streams, in memory. */
export class MemoryStreams {
  readonly streams = new Map<string, MemoryEvent[]>();
  /** More than these cannot be read within the time of one read. */
  mostAtOnce = Infinity;
  /** So many events were read. */
  read = 0;

  *readStream(name: string, { fromRevision, maxCount = Infinity }: Stretch) {
    const stream = this.streams.get(name);
    if (!stream) throw new StreamNotFoundError(undefined, name);
    const from = typeof fromRevision === 'bigint' ? Number(fromRevision) : 0;
    const events = stream.slice(from, from + maxCount);
    if (events.length > this.mostAtOnce) throw new Error('DEADLINE_EXCEEDED');
    this.read += events.length;
    for (const [n, { data, ...event }] of events.entries()) {
      const place = { streamId: name, revision: BigInt(from + n), isJson: true, created: new Date(), metadata: {} };
      yield { event: { ...event, data: { ...data }, ...place } };
    }
  }

  appendToStream(name: string, events: MemoryEvent[], { expectedRevision }: { expectedRevision: unknown }) {
    const stream = this.streams.get(name) ?? [];
    const revision = stream.length > 0 ? BigInt(stream.length - 1) : 'no_stream';
    if (revision !== expectedRevision) throw new WrongExpectedVersionError(undefined, { streamName: name } as never);
    this.streams.set(name, [...stream, ...events]);
    return Promise.resolve({ position: { commit: 7n, prepare: 7n } });
  }
}
