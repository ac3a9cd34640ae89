import type { VerifiedKey } from './key.js';

/**
 * How a gateway may trust the keys it has verified without asking again, and still never accept a revoked one, nor one
 * whose grace after a rotation is over.
 *
 * A **gateway**
 * 1. listens to `gateway.key-changed` first and only then begins to ask for leases;
 * 2. announces `key.lease` every LEASE_RENEW_MS and hears the answers. The first answer to one asking extends the lease
 *    to LEASE_MS after the moment that asking was SENT, by the monotonic clock (performance.now()) and by the wall clock,
 *    never later: a machine that slept finds only the latter gone on. Where the wall clock was set there is no lease either;
 * 3. uses its cache only while it holds a lease. Without one each request asks `key.verify`;
 * 4. drops its whole cache when the lease has run out and when the bus connection was lost, even for an instant
 *    (`bus.onDisconnect`): announcements may have been missed. A lost connection ends the lease too. What may be put into
 *    the cache is only the answer to a `key.verify` that was sent under the lease that is still held, without a gap;
 * 5. on `gateway.key-changed` forgets the key, remembers the change for at least CHANGE_MS, and then answers the
 *    announcement. A `key.verify` that was on its way may still come back and say what the key was before: the change is
 *    laid over such an answer. The same announcement can come several times; each is answered.
 *
 * A **key replica**
 * 1. listens to `key.lease` without a queue group, so that every replica knows every gateway, and answers each asking;
 * 2. announces a change after the append, again every REPEAT_MS, until every gateway it has heard within LEASE_MS has
 *    answered, and for LEASE_MS at most: whoever is silent that long has no lease any more;
 * 3. waits all of LEASE_MS when it has listened for less than that itself (just started, or its connection was lost): there
 *    may be gateways it has not heard yet;
 * 4. refuses as UNAVAILABLE when the bus never took the announcement. The change is durable then; the same wish again is
 *    free of side effects and announces again.
 *
 * A lease that is renewed after the announcement does no harm: its answer reaches the gateway behind the announcement.
 */
export const LEASE_MS = 2_000;
export const LEASE_RENEW_MS = 500;
export const REPEAT_MS = 250;
/** Longer than any `key.verify` may still be on its way. */
export const CHANGE_MS = 30_000;

/** `key.lease`: who asks. A new id per process start. */
export interface LeaseAsked {
  gateway_id: string;
}

/** Any answer grants the lease. */
export interface LeaseGranted {
  gateway_id: string;
}

/** What can change about a key that gateways remember. A key that is revoked or retires does so for good. */
export type KeyStanding = Pick<VerifiedKey, 'name' | 'retires_at' | 'revoked_at'>;

/** `gateway.key-changed`: the key is like this from now on. */
export interface KeyChanged extends KeyStanding {
  key_id: string;
  /** Names this change, so that its answers are told from another's. */
  change_id: string;
}

/** The gateway has forgotten what the key was before. */
export interface KeyForgotten {
  gateway_id: string;
  change_id: string;
}
