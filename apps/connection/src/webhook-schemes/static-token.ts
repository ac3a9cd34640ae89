import { anyEqual, digests, factOf, type WebhookScheme } from './scheme.js';

/**
 * A header holds the token that was set for the webhook, such as `asaas-access-token` of Asaas. It proves the sender and not
 * the body. HTTP knows no blanks around a value, and Node reads its bytes as Latin-1. Source: https://docs.asaas.com/docs/receive-asaas-events-at-your-webhook-endpoint.
 */
export function staticToken(header: string): WebhookScheme {
  const name = header.toLowerCase();
  return (delivery) => {
    const given = Buffer.from(delivery.headers[name] ?? '', 'latin1').toString();
    const genuine = anyEqual(digests([given]), digests(delivery.secrets.map((secret) => secret.trim())));
    return Promise.resolve(genuine ? factOf(delivery, '', { typeFields: ['event', 'type'] }) : null);
  };
}
