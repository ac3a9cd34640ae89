import type { WebhookEffect } from '#contracts/connection.js';
import { sha256 } from '#contracts/ids.js';
import type { StartedLink } from '#contracts/link-session.js';

/**
 * A login at a bank that we now hold a credential for. The three describing fields are null when the provider gave the
 * credential but could not be asked about it: a credential in hand is never thrown away for want of a name, because its item
 * would then live on at the provider without a connection. The first relink brings the fingerprint.
 */
export interface Exchanged {
  accessToken: string;
  /** Plaid's item id, Teller's enrollment id: what their webhooks name. */
  providerItemId: string;
  institutionId: string | null;
  institutionName: string | null;
  accountsFingerprint: string | null;
}

export interface Check {
  /** Whether the credential opens the accounts now. */
  healthy: boolean;
  accountsFingerprint: string | null;
  /** The provider's code when not healthy, such as ITEM_LOGIN_REQUIRED. */
  errorCode: string | null;
}

export interface StartLink {
  /** Our own stable name of the person; never an e-mail address or a name. */
  userRef: string;
  /** A language tag; one the provider's dialog does not speak becomes English. */
  language: string;
  clientName: string;
  webhookUrl: string;
  /** Update mode: the login to repair. Plaid wants the access token, Teller the enrollment id. */
  accessToken?: string;
  enrollmentId?: string;
}

export interface WebhookFact {
  /** Equal for every delivery of the same webhook, so that it can be taken in once. */
  deliveryId: string;
  /** The provider's own name of it, such as `ITEM:ERROR` or `enrollment.disconnected`. */
  type: string;
  effect: WebhookEffect;
  /** "" when the webhook is about no item. */
  providerItemId: string;
  /** Why: the provider's error code or reason; "" when it gives none. */
  code: string;
  /** The account at the provider, as `user_id` of the connection's metadata names it; "" or absent when it is not said. */
  account?: string;
}

/** Every call has a deadline of 8 seconds and throws nothing but ProviderError. */
export interface Provider {
  start(input: StartLink): Promise<Omit<StartedLink, 'attempt_id'>>;
  /**
   * Turns what the page received into a credential. Plaid: the public token; repeating the exchange is safe in the sandbox,
   * the real one may refuse a second use. Teller: the token is the access token already, and is proved by a read.
   */
  exchange(token: string): Promise<Exchanged>;
  /** Asks the provider itself whether the credential works. Throws when the provider gives no verdict. */
  check(accessToken: string): Promise<Check>;
  /** Removes the login at the provider; one that is gone already is a success. */
  remove(accessToken: string): Promise<void>;
  /** Sandbox only: makes the bank ask for a new sign-in and send its webhook; Plaid's to this address, from then on. */
  resetLogin(accessToken: string, webhookUrl: string): Promise<void>;
}

/**
 * A refusal by the provider, or no answer from it. Never carries the original error as its cause: an HTTP client's error
 * holds the request, and the request holds our secret and the access token.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  /** Network, timeout, 5xx or rate limit: whether the call had an effect is unknown, trying again is right. */
  readonly retryable: boolean;
  /** Text for the person, in the provider's words; "" when it gave none. */
  readonly displayMessage: string;

  constructor(
    readonly code: string,
    details: { retryable: boolean; displayMessage?: string | null },
  ) {
    super(`The provider answered ${code}`);
    this.retryable = details.retryable;
    this.displayMessage = details.displayMessage ?? '';
  }
}

export const CALL_DEADLINE_MS = 8000;

/**
 * Names the set of accounts a credential opens without telling their ids: the sorted digests of the account ids, joined by
 * dots. Masks do not count, since a replaced card gets a new one; and the digests stay apart, so that sharesAccounts can tell
 * a person who opened one more account from another person.
 */
export function accountsFingerprint(accountIds: readonly string[]): string {
  const digests = accountIds.map((id) => sha256(id).slice(0, 16));
  return digests.sort().join('.');
}

/** Whether two fingerprints have an account in common: the test for "the same bank login" after a relink. */
export function sharesAccounts(before: string, after: string): boolean {
  const known = new Set(before.split('.'));
  return before !== '' && after.split('.').some((digest) => known.has(digest));
}
