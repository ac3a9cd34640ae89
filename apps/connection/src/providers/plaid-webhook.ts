import { createHash, timingSafeEqual } from 'node:crypto';
import { type CryptoKey, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { sha256 } from '#contracts/ids.js';
import { logger } from '#service/logger.js';
import { jsonObject } from '../json-object.js';
import { type Delivery, word } from '../webhook-schemes/scheme.js';
import { plaidKeys, type VerificationKey } from './plaid-keys.js';
import type { WebhookFact } from './provider.js';

const MAX_AGE_SECONDS = 5 * 60;
/** Of our clock or of theirs. */
const CLOCK_SKEW_SECONDS = 5 * 60;
const WARN_EVERY_MS = 60 * 60_000;

/**
 * Null when the delivery is not genuine. Throws a retryable error when it could not be decided: answer 503, and Plaid delivers
 * again.
 */
export type PlaidVerifier = (delivery: Pick<Delivery, 'headers' | 'body' | 'now'>) => Promise<WebhookFact | null>;

/**
 * Checks `Plaid-Verification`: an ES256 JWT, made at most five minutes ago, that holds the SHA-256 of the raw body.
 * Source: https://plaid.com/docs/api/webhooks/webhook-verification/.
 */
export function plaidWebhookVerifier(fetchKey: (keyId: string) => Promise<VerificationKey>): PlaidVerifier {
  const keyFor = plaidKeys(fetchKey);
  const warn = clockWarning();
  return async ({ headers, body, now }) => {
    const token = headers['plaid-verification'] ?? '';
    const keyId = es256KeyId(token);
    const key = keyId === null ? null : await keyFor(keyId, now);
    if (keyId === null || key === null) return null;
    const claims = await verifiedClaims(token, key, now);
    if (!claims || !isHashOf(body, claims.request_body_sha256)) return null;
    if (!isFresh(claims.iat, now)) {
      warn(claims.iat, now);
      return null;
    }
    return factOf(body, `${keyId}.${claims.iat}.${claims.request_body_sha256}`);
  };
}

interface Claims {
  iat: number;
  request_body_sha256: string;
}

function es256KeyId(token: string): string | null {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return alg === 'ES256' && typeof kid === 'string' && /^[\w-]{1,128}$/.test(kid) ? kid : null;
  } catch {
    return null;
  }
}

async function verifiedClaims(token: string, key: CryptoKey, now: Date): Promise<Claims | null> {
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: ['ES256'], currentDate: now });
    const { iat, request_body_sha256: hash } = payload;
    return typeof iat === 'number' && typeof hash === 'string' ? { iat, request_body_sha256: hash } : null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

function isFresh(issuedAt: number, now: Date): boolean {
  const age = now.getTime() / 1000 - issuedAt;
  return age <= MAX_AGE_SECONDS && age >= -CLOCK_SKEW_SECONDS;
}

/** Anybody can deliver an old one again, so it is not said each time. */
function clockWarning(): (issuedAt: number, now: Date) => void {
  let saidAt = -Infinity;
  return (issuedAt, now) => {
    if (performance.now() - saidAt < WARN_EVERY_MS) return;
    saidAt = performance.now();
    const age_seconds = Math.round(now.getTime() / 1000 - issuedAt);
    logger.warn(
      { age_seconds },
      'a webhook that Plaid signed was refused for its time: is the clock of this machine right?',
    );
  };
}

function isHashOf(body: Buffer, hash: string): boolean {
  const expected = Buffer.from(createHash('sha256').update(body).digest('hex'));
  const sent = Buffer.from(hash);
  return sent.length === expected.length && timingSafeEqual(sent, expected);
}

/** These end with the person signing in once more in update mode. */
const NEEDS_LOGIN = ['ITEM_LOGIN_REQUIRED', 'USER_PERMISSION_REVOKED'];

interface PlaidWebhookBody {
  webhook_type?: unknown;
  webhook_code?: unknown;
  item_id?: unknown;
  error?: { error_code?: unknown } | null;
}

/** The same body can be sent twice for two events, so a delivery is named by what was signed: key, time and hash. */
function factOf(body: Buffer, signed: string): WebhookFact | null {
  const webhook: PlaidWebhookBody | null = jsonObject(body.toString());
  if (!webhook) return null;
  const webhookCode = word(webhook.webhook_code);
  const code = word(webhook.error?.error_code) || (webhookCode === 'ERROR' ? '' : webhookCode);
  const isItem = webhook.webhook_type === 'ITEM';
  return {
    deliveryId: sha256(signed),
    type: `${word(webhook.webhook_type)}:${webhookCode}`,
    effect: isItem ? effectOf(webhookCode, code) : 'none',
    providerItemId: text(webhook.item_id),
    code,
  };
}

function effectOf(webhookCode: string, code: string): WebhookFact['effect'] {
  if (webhookCode === 'LOGIN_REPAIRED') return 'login_repaired';
  if (NEEDS_LOGIN.includes(code)) return 'login_required';
  return webhookCode === 'ERROR' && code !== '' ? 'provider_error' : 'none';
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
