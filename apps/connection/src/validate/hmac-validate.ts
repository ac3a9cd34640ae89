import { createHmac } from 'node:crypto';
import type { CredentialVerdict } from '#contracts/api/credential-checks.js';
import { catalogUrl } from './catalog-call.js';
import { InvalidKey, type TriedServer, validate } from './verdict.js';

/**
 * Tries a candidate with one read signed by HMAC-SHA256 as Foxbit wants it (and the sandbox like Foxbit): milliseconds,
 * method, path and query in one, in hex. Source: https://docs.foxbit.com.br/rest/v3/.
 */
export function hmacValidate(
  server: TriedServer,
  secret: Readonly<Record<string, unknown>>,
  now = new Date(),
): Promise<CredentialVerdict> {
  return validate(server, secret, (texts) => Promise.resolve(signed(server, texts, now)));
}

function signed(server: TriedServer, { access_key, secret }: Record<string, string>, now: Date) {
  if (!access_key || !secret) throw new InvalidKey('The secret needs access_key and secret.');
  if (!/^[\x20-\x7e]*$/.test(access_key)) throw new InvalidKey('The secret holds characters that no header can hold.');
  const { method, path } = server.validation;
  const url = catalogUrl({ baseUrl: server.base_url, path, sandbox: server.sandbox });
  const timestamp = String(now.getTime());
  const prehash = timestamp + method + url.pathname + url.search.slice(1);
  const signature = createHmac('sha256', secret).update(prehash).digest('hex');
  const headers = {
    'X-FB-ACCESS-KEY': access_key,
    'X-FB-ACCESS-TIMESTAMP': timestamp,
    'X-FB-ACCESS-SIGNATURE': signature,
  };
  return { read: { method, path, headers }, hidden: [access_key, secret, signature] };
}
