/** Something did not work: the API's own code and message, or ours. */
export class CliError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

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
