/** The start cannot go on, and the message tells the person what to change; it is printed without a stack trace. */
export class StartError extends Error {}
