/** Something did not work: the API's own code and message, or ours. */
export class CliError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const OUTAGES = ['UNREACHABLE', 'UNAVAILABLE', 'HTTP_502', 'HTTP_503', 'HTTP_504'];
const LIMITS = ['RATE_LIMITED', 'HTTP_429'];

/**
 * It is different a moment later: something is away that comes back, a part, or all of Latchkey behind a proxy, which answers
 * with a page of its own; or the key has asked too often.
 */
export const isPassing = (error: unknown): boolean =>
  error instanceof CliError && [...OUTAGES, ...LIMITS].includes(error.code);

/** The command line itself makes no sense. */
export class UsageError extends Error {
  constructor(
    message: string,
    /** The command that was meant, or the word that several begin with, as typed. */
    readonly words?: string,
  ) {
    super(message);
  }
}
