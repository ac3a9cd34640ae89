import type { EventStoreDBClient } from '@eventstore/db-client';
import { ServerFeatures } from '@eventstore/db-client/dist/Client/ServerFeatures.js';
import type { Channel } from '@grpc/grpc-js';
import './batch-calls.js';
import './connection-attempts.js';
import './read-as-bytes.js';
import { signedInClient } from './signed-in-client.js';

/**
 * The process's one client: when the call breaks over which one sends its appends, those of all clients of the process fail.
 */
export function connectEventStore(url: string): EventStoreDBClient {
  const client = signedInClient(url);
  keepDeadlines(client);
  requireLeader(client);
  disposeOfConnection(client);
  surviveFailedDiscovery(client);
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

/**
 * A follower's answers may be older than what has been acknowledged: by them a key that was revoked would still be good. One that
 * is asked refuses and names the leader, with which the client goes on.
 */
function requireLeader(client: EventStoreDBClient): void {
  const byItself = client['callArguments'];
  client['callArguments'] = (asked, options) => byItself({ ...asked, requiresLeader: true }, options);
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
 * Each append asks first what the server can. By itself the client keeps the answer even when it is that no server was found,
 * as in a cluster that has no leader yet: all appends that follow would fail with it. And a call that breaks while the next
 * server is being looked for would end the process if there is none, as nobody waits for what the client makes of the break.
 */
function surviveFailedDiscovery(client: EventStoreDBClient): void {
  const answers = new WeakMap<Channel, Promise<ServerFeatures>>();
  const capabilities = async () => {
    const channel = await client['getChannel']();
    let answer = answers.get(channel);
    if (!answer) {
      answer = client['execute'](...ServerFeatures.createServerFeatures);
      answers.set(channel, answer);
      answer.catch(() => answers.delete(channel));
    }
    return answer;
  };
  Object.defineProperty(client, 'capabilities', { get: capabilities });
  const handleError = client['handleError'];
  client['handleError'] = (...broken) => handleError(...broken).catch(() => undefined);
}

/**
 * What the server calls its version; undefined when it does not say. The client asks once per connection, for its own
 * decisions, and has no public way to tell.
 */
export async function serverVersion(client: EventStoreDBClient): Promise<string | undefined> {
  const { serverVersion: version } = await client['capabilities'];
  return version === 'unknown' ? undefined : version;
}

export { EventStoreDBClient, StreamNotFoundError, WrongExpectedVersionError } from '@eventstore/db-client';
