import { EventStoreDBClient } from '@eventstore/db-client';
import type { Channel } from '@grpc/grpc-js';
import './batch-calls.js';
import './read-as-bytes.js';

/**
 * The process's one client: when the call breaks over which one sends its appends, those of all clients of the process fail.
 */
export function connectEventStore(url: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(url);
  keepDeadlines(client);
  disposeOfConnection(client);
  return client;
}

/**
 * By itself the client gives its reads no deadline, whatever its caller asks for, so that one of a store that hangs ends only
 * with the connection. What asks for none stays as it is: subscriptions, and appends, which share one call.
 */
function keepDeadlines(client: EventStoreDBClient): void {
  const byItself = client['callArguments'];
  client['callArguments'] = (asked, options) =>
    byItself(
      asked,
      asked.deadline === undefined ? options : { ...options, deadline: client['createDeadline'](asked.deadline) },
    );
}

/** By itself the client ends only its calls. */
function disposeOfConnection(client: EventStoreDBClient): void {
  const createChannel = client['createChannel'] as () => Promise<Channel>;
  const endCalls = client.dispose;
  let channel: Channel | undefined;
  client['createChannel'] = async () => (channel = await createChannel());
  client.dispose = async () => {
    await endCalls();
    channel?.close();
  };
}

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
