/** The stream is not at the revision the writer expected; `current` is the revision it is at, -1n for none. */
export class WrongExpectedVersion extends Error {
  constructor(readonly current: bigint) {
    super('wrong expected version');
  }
}

/** The stream carries a tombstone, or a soft delete where a live stream was demanded. */
export class StreamDeleted extends Error {
  constructor() {
    super('stream deleted');
  }
}

/** The request was not decided before its deadline: it was certainly not written. */
export class TimedOut extends Error {}

export class AppendTooLarge extends Error {
  constructor(readonly limitBytes: number) {
    super(`an append may carry at most ${limitBytes} bytes`);
  }
}

export class AccessDenied extends Error {
  constructor() {
    super('access denied');
  }
}

export class InvalidArgument extends Error {}

/** The server is going away; the client reconnects. */
export class ShuttingDown extends Error {
  constructor() {
    super('server is shutting down');
  }
}
