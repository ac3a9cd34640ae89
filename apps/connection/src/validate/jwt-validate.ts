import { type KeyObject, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { isP256, privateKey } from '../pem.js';
import { catalogUrl } from './catalog-call.js';
import { type JwtServer, type Verdict } from './entry.js';
import { InvalidKey, validate } from './verdict.js';

/** Tries a candidate with one read that carries an ES256 JWT, as the catalog entry says. */
export function jwtValidate(
  server: JwtServer,
  secret: Readonly<Record<string, unknown>>,
  now = new Date(),
): Promise<Verdict> {
  return validate(server, secret, (texts) => signed(server, texts, now));
}

async function signed(server: JwtServer, secret: Record<string, string>, now: Date) {
  const { method, path, key_name_secret, private_key_secret } = server.validate;
  const keyName = secret[key_name_secret];
  if (!keyName) throw new InvalidKey(`The secret ${key_name_secret} is missing.`);
  const key = p256Key(secret[private_key_secret]);
  const token = await tokenFor(server, { keyName, key, now });
  const read = { method, path, headers: { authorization: `Bearer ${token}` } };
  return { read, hidden: [...Object.values(secret).map(withoutArmour), token] };
}

/** The lines around a key are no secret, and a provider may well speak of a "private key". */
const withoutArmour = (text: string): string => text.replace(/-----[A-Z0-9 ]+-----/g, '');

function p256Key(text = ''): KeyObject {
  try {
    const key = privateKey(text);
    if (isP256(key)) return key;
  } catch {
    // What exactly is wrong with it could quote it.
  }
  throw new InvalidKey('The private key is not an EC P-256 key in PEM.');
}

function tokenFor(server: JwtServer, by: { keyName: string; key: KeyObject; now: Date }): Promise<string> {
  const { method, path, issuer, audience, uri_claim, ttl_seconds } = server.validate;
  const url = catalogUrl({ baseUrl: server.base_url, path, sandbox: server.sandbox });
  const seconds = Math.floor(by.now.getTime() / 1000);
  const claims = {
    iss: issuer,
    sub: by.keyName,
    nbf: seconds,
    exp: seconds + ttl_seconds,
    ...(audience !== undefined && { aud: audience }),
    ...(uri_claim && { uri: `${method} ${url.host}${url.pathname}` }),
  };
  const header = { alg: 'ES256', typ: 'JWT', kid: by.keyName, nonce: randomBytes(16).toString('hex') };
  return new SignJWT(claims).setProtectedHeader(header).sign(by.key);
}
