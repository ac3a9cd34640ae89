import { factOf, isSignedInTime, type WebhookScheme } from './scheme.js';

const TOLERANCE_SECONDS = 300;

/** `Stripe-Signature`, at most 300 seconds off. Source: https://docs.stripe.com/webhooks/signatures. */
export const stripe: WebhookScheme = (delivery) => {
  const signature = delivery.headers['stripe-signature'] ?? '';
  if (!isSignedInTime(signature, delivery, TOLERANCE_SECONDS)) return Promise.resolve(null);
  // Without an effect also when an account leaves a platform (account.application.deauthorized): the platform's key goes on working.
  return Promise.resolve(factOf(delivery, signature, { idField: 'id', typeFields: ['type'] }));
};
