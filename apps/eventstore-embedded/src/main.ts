import { exitCodeOf } from '#service/settings-error.js';
import { startGrpcServer } from './grpc/server.js';
import { describeError, logger } from './logger.js';
import { openEventLog, type EventLog, type EventLogSettings } from './log/event-log.js';
import { seedSystemEvents } from './seed-system-events.js';
import { settingsFrom } from './settings.js';

const OPEN_ATTEMPTS_FOR_MS = 10_000;
const OPEN_RETRY_MS = 200;

async function main(): Promise<void> {
  const settings = settingsFrom(process.env);
  const log = await openWithRetries({
    databaseUrl: settings.DATABASE_URL,
    tail: { events: settings.EVENTSTORE_TAIL_EVENTS, bytes: settings.EVENTSTORE_TAIL_MIB * 1024 * 1024 },
    onLost: exitAtOnce,
  });
  await seedSystemEvents(log);
  const server = await startGrpcServer(log, {
    host: settings.EVENTSTORE_HOST,
    port: settings.EVENTSTORE_PORT,
    password: settings.EVENTSTORE_PASSWORD,
    dropSlowConsumers: settings.EVENTSTORE_DROP_SLOW_CONSUMERS,
  });
  const stop = async () => {
    logger.info('stopping');
    await log.writer.close();
    await server.stop();
    await log.close();
    process.exit(0);
  };
  let stopping: Promise<void> | undefined;
  const stopOnce = () => void (stopping ??= stop().catch(exitAtOnce));
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stopOnce);
  if (settings.SUPERVISED) process.stdin.resume().once('close', stopOnce);
  process.stdout.write(`listening ${server.port}\n`);
  logger.info({ port: server.port, head: String(log.tail.head) }, 'serving');
}

/** Postgres may still be starting, or still be ending the session of the server before this one. */
async function openWithRetries(settings: EventLogSettings): Promise<EventLog> {
  const until = Date.now() + OPEN_ATTEMPTS_FOR_MS;
  for (;;) {
    try {
      return await openEventLog(settings);
    } catch (error) {
      if (Date.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPEN_RETRY_MS));
    }
  }
}

function exitAtOnce(error: unknown): never {
  logger.fatal(describeError(error), 'exiting at once');
  process.exit(exitCodeOf(error));
}

// On a full disk nobody can be told where it listens: it serves all the same.
process.stdout.on('error', () => undefined);
main().catch(exitAtOnce);
