import { anyEqual, digests, factOf, type WebhookScheme } from './scheme.js';

/**
 * `asaas-access-token` holds the token that was set for the webhook. It proves the sender and not the body.
 * Source: https://docs.asaas.com/docs/receive-asaas-events-at-your-webhook-endpoint.
 */
export const asaas: WebhookScheme = (delivery) => {
  const { headers, secrets } = delivery;
  if (!anyEqual(digests([headers['asaas-access-token'] ?? '']), digests(secrets))) return Promise.resolve(null);
  return Promise.resolve(factOf(delivery, '', { idField: 'id', typeFields: ['event'] }));
};
