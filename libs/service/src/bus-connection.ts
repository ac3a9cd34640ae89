import { AuthorizationError, connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { setTimeout as wait } from 'node:timers/promises';
import { busOptions } from './bus-options.js';

const RETRY_MS = 250;

/**
 * The bus, for as long as the process lives. It waits for a broker that is not there yet, but not for a first sign-in
 * that is refused to be allowed. A connection that the library gives up all the same ends the process, as a promise
 * nobody waited for: it would be deaf for ever, and whoever supervises the process starts it again.
 */
export async function connectToBus(options: NodeConnectionOptions = busOptions()): Promise<NatsConnection> {
  const connection = await firstConnection(options);
  void connection.closed().then((error) => {
    if (error && options.reconnect !== false) throw error;
  });
  return connection;
}

async function firstConnection(options: NodeConnectionOptions): Promise<NatsConnection> {
  for (;;) {
    try {
      return await connect({ ...options, waitOnFirstConnect: false });
    } catch (error) {
      if (!options.waitOnFirstConnect || error instanceof AuthorizationError) throw error;
      await wait(RETRY_MS);
    }
  }
}
