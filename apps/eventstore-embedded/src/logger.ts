import { pino } from 'pino';
import { config } from '#service/config.js';
import { LogOutput } from '#service/log-output.js';

/** One JSON line per event on standard error; standard output belongs to the line that says where the server listens. */
export const logger = pino({ name: 'eventstore-embedded', level: config.LOG_LEVEL }, new LogOutput(2));

/** What may be logged of an error: other fields of a database error can quote what was being written. */
export function describeError(error: unknown): { message: string; code?: unknown; stack?: string } {
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, code: (error as { code?: unknown }).code, stack: error.stack };
}
