import { DomainError } from '#contracts/errors.js';

/** A failure of the event store as the caller should see it; what it was goes to the log with the cause. */
export function unavailable(cause: unknown): DomainError {
  const error = new DomainError('UNAVAILABLE', 'The event store is not available right now; try again.');
  error.cause = cause;
  return error;
}
