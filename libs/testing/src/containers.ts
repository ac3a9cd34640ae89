import { randomBytes } from 'node:crypto';
import { busUsers } from '#contracts/bus-users.js';
import { busAccounts, busPasswordVariable, natsServerConfig } from '#service/bus-accounts.js';

/** Servers that run in containers: what the supervisor needs to use them, and how to end them. */
export interface Servers {
  env: Record<string, string>;
  stop(): Promise<void>;
}

const images = {
  eventstore: 'eventstore/eventstore:23.10.7-jammy',
  nats: 'nats:2.11-alpine',
  postgres: 'postgres:17-alpine',
};

/** Does a container engine answer? Without one this is known within milliseconds. */
export async function engineAnswers(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  return getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
}

/** Starts EventStoreDB, NATS and Postgres in containers of their own. */
export async function startContainers(): Promise<Servers> {
  const passwords = Object.fromEntries(Object.keys(busUsers).map((user) => [user, randomBytes(16).toString('hex')]));
  const [eventstore, nats, postgres] = await Promise.all([startEventStore(), startNats(passwords), startPostgres()]);
  const at = (container: typeof nats, port: number) => `${container.getHost()}:${container.getMappedPort(port)}`;
  const busPasswords = Object.entries(passwords).map(([user, password]) => [busPasswordVariable(user), password]);
  return {
    env: {
      EVENTSTORE_URL: `esdb://${at(eventstore, 2113)}?tls=false`,
      NATS_URL: `nats://${at(nats, 4222)}`,
      DATABASE_URL: `postgres://postgres:postgres@${at(postgres, 5432)}/postgres`,
      ...(Object.fromEntries(busPasswords) as Record<string, string>),
    },
    async stop() {
      await Promise.all([eventstore, nats, postgres].map((container) => container.stop()));
    },
  };
}

async function startEventStore() {
  const { GenericContainer, Wait } = await import('testcontainers');
  return new GenericContainer(images.eventstore)
    .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_MEM_DB: 'true', EVENTSTORE_CLUSTER_SIZE: '1' })
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .start();
}

async function startNats(passwords: Record<string, string>) {
  const { GenericContainer, Wait } = await import('testcontainers');
  const accounts = busAccounts((user) => passwords[user]!);
  return new GenericContainer(images.nats)
    .withCopyContentToContainer([{ target: '/nats.conf', content: natsServerConfig('0.0.0.0:4222', accounts) }])
    .withCommand(['-c', '/nats.conf'])
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage('Server is ready'))
    .start();
}

async function startPostgres() {
  const { GenericContainer, Wait } = await import('testcontainers');
  return new GenericContainer(images.postgres)
    .withEnvironment({ POSTGRES_PASSWORD: 'postgres' })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2))
    .start();
}
