import { DomainError } from '#contracts/errors.js';

/** The connection of an attempt was disconnected, or deleted: then it is unknown to everybody. */
export const isWithoutConnection = (error: unknown): boolean =>
  error instanceof DomainError && (error.code === 'CONNECTION_DISCONNECTED' || error.code === 'NOT_FOUND');
