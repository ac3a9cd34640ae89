import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import type { Context } from '#contracts/envelope.js';
import { type CodedError, DomainError, errors } from '#contracts/errors.js';
import { logger } from './logger.js';

/** The one way a failure leaves a service: refusals travel as data, bugs are logged and hidden. */
@Catch()
export class RpcErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): Observable<never> {
    const question = host.switchToRpc().getData<{ context?: Context } | undefined>();
    return throwError(() => this.describe(error, question?.context?.request_id));
  }

  private describe(error: unknown, request_id: string | undefined): CodedError {
    if (error instanceof DomainError) {
      if (errors[error.code].status === 503) logger.warn({ request_id, cause: String(error.cause) }, error.message);
      const { code, message, details } = error;
      return { code, message, ...(details && { details }) };
    }
    if (isDatabaseAway(error)) {
      logger.warn({ request_id, cause: String(error) }, 'the database is away');
      return { code: 'UNAVAILABLE', message: 'The database is not available right now; try again.' };
    }
    logger.error({ request_id, err: error }, 'a request failed');
    return { code: 'INTERNAL', message: 'Something went wrong on our side.' };
  }
}

/** Of the system, and SQLSTATEs; 25006: a primary that has become a replica. 25P03, 25P04, 55P03, 57014: it took too long. */
const CONNECTION_CODES = /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|08|25006|25P0[34]|53|55P03|57014|57P0)/;

/** What pg, its pool and TypeORM say of a connection without a code. Names of our tables have such words in them, too. */
const CONNECTION_SENTENCES = new RegExp(
  `^(${[
    'timeout expired',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Connection terminated( unexpectedly| due to connection timeout)?',
    'Client (has encountered a connection error|was closed) and is not queryable',
    'The server does not support SSL connections',
    'There was an error establishing an SSL connection',
    'Driver not Connected',
    'Connection with postgres database is not established\\..*',
    'Cannot .* because connection is not yet established\\.',
  ].join('|')})$`,
);

const RELEASED = [QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError];

/** A connection that is refused, cut or too slow is a part that is down, not a bug. */
function isDatabaseAway(error: unknown): boolean {
  // TypeORM gives a connection back when it is cut between two statements of a transaction, and so the second is refused.
  if (RELEASED.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: string };
  return code === undefined ? CONNECTION_SENTENCES.test(error.message) : CONNECTION_CODES.test(code);
}
