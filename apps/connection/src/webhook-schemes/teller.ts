import { tellerWebhookVerifier } from '../providers/teller-webhook.js';
import { pairsOf, type WebhookScheme } from './scheme.js';

/** Teller's own check, once for each secret in force; a header with anything but pairs in it is not believed. */
export const teller: WebhookScheme = async ({ body, headers, secrets, now }) => {
  if (pairsOf(headers['teller-signature']) === null) return null;
  const set = secrets.filter((secret) => secret !== '');
  const facts = await Promise.all(set.map((secret) => tellerWebhookVerifier(secret)({ headers, body, now })));
  return facts.find((fact) => fact !== null) ?? null;
};
