import { anyEqual, factOf, hexDigest, hmacs, pairsOf, type WebhookScheme } from './scheme.js';

const TOLERANCE_SECONDS = 300;

/**
 * `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>]`: HMAC-SHA256 of `t.body`, at most 300 seconds off. There are
 * several v1 while a secret is being rolled. Source: https://docs.stripe.com/webhooks/signatures.
 */
export const stripe: WebhookScheme = (delivery) => {
  const { body, headers, secrets, now } = delivery;
  const pairs = pairsOf(headers['stripe-signature']) ?? [];
  const times = pairs.filter(([name]) => name === 't').map(([, value]) => value);
  const time = times.length === 1 && /^\d{1,12}$/.test(times[0]!) ? times[0]! : null;
  if (time === null || Math.abs(now.getTime() / 1000 - Number(time)) > TOLERANCE_SECONDS) return Promise.resolve(null);

  const signatures = pairs.flatMap(([name, value]) => (name === 'v1' ? (hexDigest(value) ?? []) : []));
  if (!anyEqual(signatures, hmacs(secrets, `${time}.`, body))) return Promise.resolve(null);
  // Without an effect also when an account leaves a platform (account.application.deauthorized): the platform's key goes on working.
  return Promise.resolve(factOf(delivery, headers['stripe-signature']!, { idField: 'id', typeFields: ['type'] }));
};
