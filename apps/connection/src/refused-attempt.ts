import { DomainError } from '#contracts/errors.js';
import { connectionGone, credentialLost, type Refusal } from '#contracts/link-session.js';
import { CredentialLost } from './credentials.service.js';

/** What the session hears of an attempt, and what the person does. */
export interface RefusedAttempt {
  refusal: Refusal;
  heard: DomainError;
}

/**
 * Of an attempt whose connection was disconnected, or deleted, when it is unknown to everybody; or whose credential is lost.
 * Null when it is none of these.
 */
export function refusedByConnection(error: unknown): RefusedAttempt | null {
  if (error instanceof CredentialLost) {
    return { refusal: credentialLost, heard: new DomainError('GONE', credentialLost.message) };
  }
  const isOver = error instanceof DomainError && ['CONNECTION_DISCONNECTED', 'NOT_FOUND'].includes(error.code);
  return isOver ? { refusal: connectionGone, heard: new DomainError('CONNECTION_DISCONNECTED') } : null;
}
