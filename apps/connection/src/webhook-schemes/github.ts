import { anyEqual, factOf, hexDigest, hmacs, type WebhookScheme } from './scheme.js';

const PREFIX = 'sha256=';

/**
 * `X-Hub-Signature-256: sha256=<hex>`: HMAC-SHA256 of the body. `X-GitHub-Delivery` names the event and stays the same when
 * it is delivered again. Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
 */
export const github: WebhookScheme = (delivery) => {
  const { body, headers, secrets } = delivery;
  const header = headers['x-hub-signature-256'] ?? '';
  const signature = header.startsWith(PREFIX) ? hexDigest(header.slice(PREFIX.length)) : null;
  if (!signature || !anyEqual([signature], hmacs(secrets, body))) return Promise.resolve(null);
  const names = { idHeader: 'x-github-delivery', typeHeader: 'x-github-event' };
  return Promise.resolve(factOf(delivery, header, names));
};
