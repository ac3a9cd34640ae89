import { anyEqual, digests, factOf, type WebhookScheme } from './scheme.js';

/**
 * A header holds the token that was set for the webhook, such as `asaas-access-token` of Asaas. It proves the sender and not
 * the body. HTTP knows no blanks around a value, and Node reads its bytes as Latin-1, which some
 * senders write and others do not. Source: https://docs.asaas.com/docs/receive-asaas-events-at-your-webhook-endpoint.
 */
export function staticToken(header: string): WebhookScheme {
  const name = header.toLowerCase();
  return (delivery) => {
    const given = delivery.headers[name] ?? '';
    const asUtf8 = Buffer.from(given, 'latin1').toString();
    const genuine = anyEqual(digests([given, asUtf8]), digests(delivery.secrets.map((secret) => secret.trim())));
    return Promise.resolve(genuine ? factOf(delivery, '', { typeFields: ['event', 'type'] }) : null);
  };
}
