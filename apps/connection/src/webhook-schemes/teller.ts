import { jsonObject } from '../json-object.js';
import { type WebhookFact } from '../providers/provider.js';
import { eventId, isSignedInTime, word, type WebhookScheme } from './scheme.js';

const TOLERANCE_SECONDS = 3 * 60;

/** `Teller-Signature`, at most three minutes off. Source: https://teller.io/docs/api/webhooks. */
export const teller: WebhookScheme = (delivery) => {
  const genuine = isSignedInTime(delivery.headers['teller-signature'], delivery, TOLERANCE_SECONDS);
  return Promise.resolve(genuine ? factOf(delivery.body) : null);
};

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
