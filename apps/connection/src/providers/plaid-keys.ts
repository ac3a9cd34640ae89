import { type CryptoKey, importJWK } from 'jose';
import { ProviderError } from './provider.js';

const RENEWED_AFTER_MS = 60 * 60 * 1000;
/** Between two tries to renew one. */
const PAUSE_MS = 60 * 1000;
/** So long a key is believed that could not be renewed. */
const BELIEVED_MS = 6 * 60 * 60 * 1000;
const UNKNOWN_IDS_PER_MINUTE = 10;

/** A key as /webhook_verification_key/get answers it; times are in Unix seconds. */
export interface VerificationKey {
  alg: string;
  kty: string;
  crv: string;
  x: string;
  y: string;
  expired_at: number | null;
}

interface Known {
  key: CryptoKey;
  expiresAt: number | null;
  fetchedAt: number;
  renewAt: number;
}

/**
 * Plaid's keys by id, each asked for again after an hour. The id comes from an unproved header, so anybody can name unknown
 * ones: few of these are looked up, and above that the answer is "try again", never "not genuine". The renewal of a known key
 * does not count among them, and while Plaid does not answer the key is believed for some hours more.
 */
export function plaidKeys(
  fetchKey: (keyId: string) => Promise<VerificationKey>,
): (keyId: string, now: Date) => Promise<CryptoKey | null> {
  const keys = new Map<string, Known>();
  const look = sharedLook(fetchKey, keys);
  return async (keyId, now) => {
    const time = now.getTime();
    const known = keys.get(keyId);
    if (known && time < known.renewAt) return unlessExpired(known, time);
    const isBelieved = known !== undefined && time - known.fetchedAt <= BELIEVED_MS;
    // Other deliveries do not wait for the answer, and when there is none it is not asked for at once again.
    if (isBelieved) known.renewAt = time + PAUSE_MS;
    try {
      return unlessExpired(await look(keyId, time), time);
    } catch (error) {
      if (!isBelieved) throw error;
      return unlessExpired(known, time);
    }
  };
}

const unlessExpired = (known: Known | null, time: number): CryptoKey | null =>
  known === null || (known.expiresAt !== null && known.expiresAt <= time) ? null : known.key;

/** One question for all deliveries that wait for the same key. */
function sharedLook(
  fetchKey: (keyId: string) => Promise<VerificationKey>,
  keys: Map<string, Known>,
): (keyId: string, time: number) => Promise<Known | null> {
  const flights = new Map<string, Promise<Known | null>>();
  const countUnknown = atMostAMinute(UNKNOWN_IDS_PER_MINUTE);
  const ask = async (keyId: string, time: number): Promise<Known | null> => {
    const known = await fetched(fetchKey, keyId, time);
    if (known) keys.set(keyId, known);
    else keys.delete(keyId);
    return known;
  };
  return async (keyId, time) => {
    const underWay = flights.get(keyId);
    if (underWay) return underWay;
    if (!keys.has(keyId)) countUnknown(time);
    const flight = ask(keyId, time).finally(() => flights.delete(keyId));
    flights.set(keyId, flight);
    return flight;
  };
}

async function fetched(
  fetchKey: (keyId: string) => Promise<VerificationKey>,
  keyId: string,
  time: number,
): Promise<Known | null> {
  const jwk = await fetchKey(keyId).catch(unlessUnknown);
  if (!jwk || jwk.alg !== 'ES256') return null;
  const key = (await importJWK({ ...jwk }, 'ES256')) as CryptoKey;
  const expiresAt = jwk.expired_at === null ? null : jwk.expired_at * 1000;
  return { key, expiresAt, fetchedAt: time, renewAt: time + RENEWED_AFTER_MS };
}

function unlessUnknown(error: unknown): null {
  if (error instanceof ProviderError && error.code === 'INVALID_WEBHOOK_VERIFICATION_KEY_ID') return null;
  throw error;
}

function atMostAMinute(most: number): (time: number) => void {
  let minute = { startedAt: 0, counted: 0 };
  return (time) => {
    // The clock may have been set back.
    if (Math.abs(time - minute.startedAt) >= 60_000) minute = { startedAt: time, counted: 0 };
    minute.counted += 1;
    if (minute.counted > most) throw new ProviderError('TOO_MANY_KEY_LOOKUPS', { retryable: true });
  };
}
