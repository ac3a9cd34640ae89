import { EventStoreDBClient } from '@eventstore/db-client';
import './batch-calls.js';
import './read-as-bytes.js';

/**
 * The process's one client: when the call breaks over which one sends its appends, those of all clients of the process fail.
 */
export const connectEventStore = (url: string): EventStoreDBClient => EventStoreDBClient.connectionString(url);

/**
 * What the server calls its version; undefined when it does not say. The client asks once per connection, for its own
 * decisions, and has no public way to tell.
 */
export async function serverVersion(client: EventStoreDBClient): Promise<string | undefined> {
  const { serverVersion: version } = await client['capabilities'];
  return version === 'unknown' ? undefined : version;
}

export {
  BACKWARDS,
  END,
  EventStoreDBClient,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
