import { type WebhookScheme } from './scheme.js';

/** Plaid signs with keys of its own, which its verifier fetches: the connection's secrets play no part. */
export function plaid(verify: WebhookScheme): WebhookScheme {
  return async (delivery) => {
    const signature = (delivery.headers['plaid-verification'] ?? '').split('.')[2] ?? '';
    return isCanonical(signature) ? verify(delivery) : null;
  };
}

/** The last character of a Base64 text can have spare bits: without this a signature would have sixteen spellings. */
const isCanonical = (text: string): boolean => Buffer.from(text, 'base64url').toString('base64url') === text;
