import { createHmac, timingSafeEqual } from 'node:crypto';
import { jsonObject } from '../json-object.js';
import { eventId, word } from '../webhook-schemes/scheme.js';
import { type Provider, type WebhookFact } from './provider.js';

const TOLERANCE_SECONDS = 3 * 60;

/**
 * Checks `Teller-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]`: HMAC-SHA256 of `t.body`. There are two signatures while
 * the secret is being rotated. Source: https://teller.io/docs/api/webhooks.
 */
export function tellerWebhookVerifier(signingSecret: string): Provider['verifyWebhook'] {
  return ({ headers, body, now }) => {
    const { time, signatures } = parsedHeader(headers['teller-signature'] ?? '');
    const fresh = Math.abs(now.getTime() / 1000 - Number(time)) <= TOLERANCE_SECONDS;
    const expected = createHmac('sha256', signingSecret).update(`${time}.`).update(body).digest();
    const genuine = fresh && signatures.some((signature) => timingSafeEqual(signature, expected));
    return Promise.resolve(genuine ? factOf(body) : null);
  };
}

/** The time stays the text that was signed. What is not a whole SHA-256 in hex is no signature. */
function parsedHeader(header: string): { time: string; signatures: Buffer[] } {
  const pairs = header.split(',').map((pair) => pair.trim().split('='));
  const values = (name: string): string[] => pairs.filter(([key]) => key === name).map(([, value]) => value ?? '');
  const [time] = values('t');
  return {
    time: /^\d{1,12}$/.test(time ?? '') ? String(time) : 'none',
    signatures: values('v1')
      .filter((value) => /^[0-9a-f]{64}$/.test(value))
      .map((value) => Buffer.from(value, 'hex')),
  };
}

interface TellerWebhookBody {
  id?: unknown;
  type?: unknown;
  payload?: { enrollment_id?: unknown; reason?: unknown };
}

function factOf(body: Buffer): WebhookFact | null {
  const webhook: TellerWebhookBody | null = jsonObject(body.toString());
  if (typeof webhook?.id !== 'string' || typeof webhook.type !== 'string') return null;
  const deliveryId = eventId(webhook.id);
  if (deliveryId === undefined) return null;
  return {
    deliveryId,
    type: word(webhook.type),
    effect: webhook.type === 'enrollment.disconnected' ? 'login_required' : 'none',
    providerItemId: text(webhook.payload?.enrollment_id),
    code: word(webhook.payload?.reason),
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
