import { type Query } from './database.js';
import { type StoredEvent } from './event.js';
import { arrayText, INSERT_GROUP } from './sql.js';

const STATEMENT = { name: 'insert-group', text: INSERT_GROUP };

/** Makes a group durable: one statement, one transaction, one flush. */
export async function insertGroup(write: Query, events: readonly StoredEvent[]): Promise<void> {
  const payload: Buffer[] = [];
  const starts: number[] = [];
  let length = 0;
  for (const { data, metadata } of events) {
    payload.push(data, metadata);
    starts.push(length);
    length += data.length + metadata.length;
  }
  await write(STATEMENT, [
    Buffer.concat(payload, length),
    events[0]?.created,
    arrayText(events.map((event) => event.position)),
    events.map((event) => event.stream),
    arrayText(events.map((event) => event.revision)),
    arrayText(events.map((event) => event.id)),
    events.map((event) => event.type),
    arrayText(events.map((event) => event.isJson)),
    arrayText(starts),
    arrayText(events.map((event) => event.data.length)),
    arrayText(events.map((event) => event.metadata.length)),
  ]);
}
