import { pino, destination } from 'pino';
import { startGrpcServer } from './grpc/server.js';
import { openEventLog, type EventLog, type EventLogSettings } from './log/event-log.js';
import { seedSystemEvents } from './seed-system-events.js';
import { settingsFrom } from './settings.js';

const OPEN_ATTEMPTS_FOR_MS = 10_000;
const OPEN_RETRY_MS = 200;

async function main(): Promise<void> {
  const settings = settingsFrom(process.env);
  const logger = pino({ name: 'eventstore-embedded', level: settings.LOG_LEVEL }, destination({ fd: 2, sync: true }));
  const fatal = (error: unknown): never => {
    logger.fatal({ err: error }, 'stopping at once');
    process.exit(1);
  };
  const log = await openWithRetries({
    databaseUrl: settings.DATABASE_URL,
    tail: { events: settings.EVENTSTORE_TAIL_EVENTS, bytes: settings.EVENTSTORE_TAIL_MIB * 1024 * 1024 },
    onLost: fatal,
  }).catch(fatal);
  await seedSystemEvents(log);
  const server = await startGrpcServer(log, {
    host: settings.EVENTSTORE_HOST,
    port: settings.EVENTSTORE_PORT,
    dropSlowConsumers: settings.EVENTSTORE_DROP_SLOW_CONSUMERS,
  }).catch(fatal);
  const stop = async () => {
    logger.info('stopping');
    await log.writer.close();
    await server.stop();
    await log.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop().catch(fatal));
  if (settings.SUPERVISED) process.stdin.resume().once('close', () => void stop().catch(fatal));
  process.stdout.write(`listening ${server.port}\n`);
  logger.info({ port: server.port, head: String(log.tail.head) }, 'serving');
}

/** Postgres may still be starting, or still holding the session of the server before this one. */
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

void main();
