import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, jsonEvent, NO_STREAM, START } from '@eventstore/db-client';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { busOptions } from '#service/bus-options.js';
import { closedLoop, type Stretch } from './figures.js';
import { serveJobs } from './worker.js';

/** The limits under a mint and a GET: the same client libraries, and nothing of ours around them but the login. */
interface Places {
  eventstoreUrl: string;
  bus: NodeJS.ProcessEnv;
}

export interface AppendLoad extends Stretch {
  data: object;
  metadata: object;
}

export interface RequestLoad extends Stretch {
  subject: string;
  payload: string;
}

let eventstore: EventStoreDBClient;
let bus: NatsConnection;

serveJobs({
  async open({ eventstoreUrl, bus: login }: Places) {
    eventstore = signedInClient(eventstoreUrl);
    bus = await connect(busOptions(login));
  },
  append: ({ data, metadata, ...stretch }: AppendLoad) =>
    closedLoop(stretch, async () => {
      const event = jsonEvent({ type: 'Appended', data: data as never, metadata: metadata as never });
      await eventstore.appendToStream(`bench-${randomUUID()}`, event, { expectedRevision: NO_STREAM });
    }),
  /** All there is, from the beginning, by the client alone: events a second. */
  async readAll() {
    const startedAt = performance.now();
    let events = 0;
    for await (const _ of eventstore.readAll({ fromPosition: START })) events++;
    return (1000 * events) / (performance.now() - startedAt);
  },
  request: ({ subject, payload, ...stretch }: RequestLoad) =>
    closedLoop(stretch, async () => void (await bus.request(subject, payload, { timeout: 5_000 })).string()),
});
