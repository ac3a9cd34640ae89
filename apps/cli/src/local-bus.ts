import { type Context, defaultTenant, newContext, type Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply, Subject } from '#contracts/subjects.js';
import { CliError } from './errors.js';
import { CLI, type LocalStack } from './run-file.js';

const DEADLINE_MS = 5_000;

/** Whoever may read the run file of a stack acts as its operator. */
export const operatorContext = (tenant: Tenant = defaultTenant): Context =>
  newContext(tenant, { type: 'operator', id: 'command-line', name: 'command line' }, DEADLINE_MS);

/** One question on the bus of the stack on this machine, with the rights of whoever may read its run file. */
export async function askLocally<S extends Subject>(
  { nats }: LocalStack,
  subject: S,
  payload: Ask<S>,
): Promise<Reply<S>> {
  const login = nats?.users[CLI];
  if (!nats || !login) throw new CliError('UNREACHABLE', 'The local stack is not ready.');
  const bus = await connect({ NATS_URL: nats.url, NATS_USER: login.user, NATS_PASSWORD: login.password });
  try {
    return await bus.ask(subject, fromNow(payload));
  } catch (error) {
    throw error instanceof DomainError ? new CliError(error.code, error.message) : error;
  } finally {
    await bus.onApplicationShutdown();
  }
}

/** Loaded only here, because the other commands start faster without it. Does not wait for a stack that is gone. */
async function connect(env: NodeJS.ProcessEnv) {
  const [{ Bus }, { busOptions }] = await Promise.all([import('#service/bus.js'), import('#service/bus-options.js')]);
  const options = { ...busOptions(env), waitOnFirstConnect: false, reconnect: false };
  return new Bus().connect(options).catch((error: unknown) => {
    throw new CliError('UNREACHABLE', `The local stack does not answer (${(error as Error).message}).`);
  });
}

/** Getting here takes seconds on a busy machine, and is no part of what the service may take. */
const fromNow = <A>(ask: A): A => {
  const { context } = ask as { context?: Context };
  return context ? { ...ask, context: { ...context, deadline: Date.now() + DEADLINE_MS } } : ask;
};
