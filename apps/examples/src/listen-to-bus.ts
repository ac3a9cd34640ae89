import type { PublishedEvent } from '#contracts/published-event.js';
import { connectToBus } from '#service/bus-connection.js';

/** Hears what happens to connections while it listens: NATS_URL, NATS_USER=subscriber, NATS_PASSWORD. */
async function listen(): Promise<void> {
  const bus = await connectToBus();
  let last = -1n;
  const messages = bus.subscribe('events.connection.*');
  await bus.flush();
  console.error('listening');
  for await (const message of messages) {
    const event = message.json<PublishedEvent>();
    // What came before comes again after a failure of the publisher.
    if (BigInt(event.position) <= last) continue;
    last = BigInt(event.position);
    console.log(event.position, event.type, event.subject.id);
  }
}

void listen();
