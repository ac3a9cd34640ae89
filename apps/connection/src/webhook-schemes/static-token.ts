import { anyEqual, digests, factOf, type WebhookScheme } from './scheme.js';

/**
 * A header holds the token that was set for the webhook, such as `asaas-access-token` of Asaas. It proves the sender and not
 * the body. Source: https://docs.asaas.com/docs/receive-asaas-events-at-your-webhook-endpoint.
 */
export function staticToken(header: string): WebhookScheme {
  const name = header.toLowerCase();
  return (delivery) => {
    const genuine = anyEqual(digests([delivery.headers[name] ?? '']), digests(delivery.secrets));
    return Promise.resolve(genuine ? factOf(delivery, '', { typeFields: ['event', 'type'] }) : null);
  };
}
