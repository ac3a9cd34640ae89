import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { QueryRunnerAlreadyReleasedError } from 'typeorm';
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

/** Of the system, and SQLSTATEs; 25006: a primary that has become a replica. */
const CONNECTION_CODES = /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|08|25006|57P0|53)/;

/** A connection that is refused, cut or too slow is a part that is down, not a bug. */
function isDatabaseAway(error: unknown): boolean {
  // TypeORM gives a connection back when it is cut between two statements of a transaction, and so the second is refused.
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  if (!(error instanceof Error)) return false;
  const cause = (error as { driverError?: { code?: string } }).driverError;
  const code = (error as { code?: string }).code ?? cause?.code;
  if (code !== undefined && CONNECTION_CODES.test(code)) return true;
  return /timeout|terminated|Connection|not connected|connect ECONN/i.test(error.message) && error.message.length < 200;
}
