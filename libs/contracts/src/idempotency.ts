/** So long is the answer to an Idempotency-Key remembered. */
export const REMEMBERED_HOURS = 24;
/** So long does a wish belong to who began it; longer than any request lives, also one that waits for a bank. */
export const IDEMPOTENCY_LEASE_SECONDS = 10;

/**
 * What became of a wish with an Idempotency-Key. All randomness of a wish (tokens, keys, ids, the command id) follows
 * from the caller's API key and `seed`: whoever takes up a wish whose runner died makes the same things again, and the
 * services recognise them. The answer is kept sealed under a key that only the same API key gives.
 */
export type IdempotencyState =
  /** `again`: somebody has run it before, and how that ended is not known. */
  | { state: 'run'; seed: string; again: boolean }
  | { state: 'done'; status: number; sealed: string }
  | { state: 'in_flight' }
  | { state: 'conflict' };
