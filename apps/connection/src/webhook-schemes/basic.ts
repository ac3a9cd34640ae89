import { anyEqual, digests, factOf, type WebhookScheme } from './scheme.js';

/**
 * HTTP Basic; the secret is `user:password`. What it carries is compared as text, because Base64 has several spellings of
 * the same bytes. It proves the sender and not the body.
 */
export const basic: WebhookScheme = (delivery) => {
  const { headers, secrets } = delivery;
  const expected = secrets.filter(hasBothParts).map((secret) => Buffer.from(secret).toString('base64'));
  const [, sent = ''] = /^basic +(.*)$/is.exec(headers['authorization'] ?? '') ?? [];
  const genuine = anyEqual(digests([sent]), digests(expected));
  return Promise.resolve(genuine ? factOf(delivery, '') : null);
};

const hasBothParts = (secret: string): boolean => secret.includes(':');
