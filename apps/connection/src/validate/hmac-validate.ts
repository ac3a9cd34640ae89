import { createHmac } from 'node:crypto';
import { catalogUrl } from './catalog-call.js';
import { type HmacRead, type HmacServer, type Verdict } from './entry.js';
import { InvalidKey, validate } from './verdict.js';

/** Tries a candidate with one read signed by HMAC-SHA256, as the catalog entry says. */
export function hmacValidate(
  server: HmacServer,
  secret: Readonly<Record<string, unknown>>,
  now = new Date(),
): Promise<Verdict> {
  return validate(server, secret, (texts) => Promise.resolve(signed(server, texts, now)));
}

function signed(server: HmacServer, secret: Record<string, string>, now: Date) {
  const { method, path, prehash, encoding, headers, signing_secret, timestamp } = server.validate;
  const key = secret[signing_secret];
  if (!key) throw new InvalidKey(`The secret ${signing_secret} is missing.`);
  const url = catalogUrl({ baseUrl: server.base_url, path, sandbox: server.sandbox });
  const words = {
    ...secret,
    timestamp: timestamps[timestamp](now),
    method,
    path: url.pathname,
    query: url.search.slice(1),
    body: '',
  };
  const signature = createHmac('sha256', key).update(filled(prehash, words)).digest(encoding);
  const entries = Object.entries(headers).map(([name, value]) => [name, headerValue(value, { ...words, signature })]);
  const read = { method, path, headers: Object.fromEntries(entries) as Record<string, string> };
  return { read, hidden: [...Object.values(secret), signature] };
}

const timestamps: Record<HmacRead['timestamp'], (now: Date) => string> = {
  ms: (now) => String(now.getTime()),
  s: (now) => String(Math.floor(now.getTime() / 1000)),
  iso: (now) => now.toISOString(),
};

/** What is filled in is not looked at again: a secret that looks like a name stays itself. */
function filled(template: string, words: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    if (!Object.hasOwn(words, name)) throw new InvalidKey(`The secret ${name} is missing.`);
    return words[name]!;
  });
}

function headerValue(template: string, words: Record<string, string>): string {
  const value = filled(template, words);
  if (!/^[\x20-\x7e]*$/.test(value)) throw new InvalidKey('The secret holds characters that no header can hold.');
  return value;
}
