import { randomUUID } from 'node:crypto';
import { type EventLog } from './log/event-log.js';
import { EMPTY } from './log/event.js';

/** A new EventStoreDB is not empty: `$all` begins with system events, and readers must be used to them. */
export async function seedSystemEvents({ writer, tail }: EventLog): Promise<void> {
  if (tail.head >= 0n) return;
  const data = Buffer.from(JSON.stringify({ loginName: 'admin', groups: ['$admins'] }));
  const event = { id: randomUUID(), type: '$UserCreated', isJson: true, data, metadata: EMPTY };
  await writer.submit({
    operation: 'append',
    stream: '$user-admin',
    expected: 'no_stream',
    events: [event],
    deadline: Infinity,
  });
}
