import type { LoggerService } from '@nestjs/common';
import { pino, stdSerializers } from 'pino';
import { config } from './config.js';
import { LogOutput } from './log-output.js';

/** A statement that failed carries its parameters, and the row it would have written: of an error only this is logged. */
export function plainError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { type, message, stack } = stdSerializers.err(error);
  const { code, errors } = error as { code?: unknown; errors?: unknown[] };
  return { type, message, stack, ...(code !== undefined && { code }), ...(errors && { errors: errors.map(String) }) };
}

/** One JSON line per event on standard error. Bodies, keys, tokens and credentials are never given to it. */
export const logger = pino({ level: config.LOG_LEVEL, serializers: { err: plainError } }, new LogOutput(2));

/** Nest's own messages, in the same form. */
export const nestLogger: LoggerService = {
  log: (message, context) => logger.debug({ context: String(context) }, String(message)),
  error: (message, ...rest) => logger.error({ context: String(rest.at(-1)) }, describe(message)),
  warn: (message, context) => logger.warn({ context: String(context) }, String(message)),
  debug: (message, context) => logger.debug({ context: String(context) }, String(message)),
  verbose: (message, context) => logger.trace({ context: String(context) }, String(message)),
  fatal: (message, context) => logger.fatal({ context: String(context) }, describe(message)),
};

const describe = (message: unknown): string =>
  message instanceof Error ? (message.stack ?? message.message) : String(message);
