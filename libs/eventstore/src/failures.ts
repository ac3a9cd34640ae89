import { DomainError } from '#contracts/errors.js';

/** A failure of the event store as the caller should see it; what it was goes to the log with the cause. */
export const unavailable = (cause: unknown): DomainError =>
  new DomainError('UNAVAILABLE', 'The event store is not available right now; try again.', undefined, { cause });
