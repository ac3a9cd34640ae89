import { type KeyObject, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import type { CredentialVerdict } from '#contracts/api/credential-checks.js';
import { isP256, privateKey } from '../pem.js';
import { catalogUrl } from './catalog-call.js';
import { InvalidKey, type TriedServer, validate } from './verdict.js';

const TOKEN_SECONDS = 120;

/**
 * Tries a candidate with one read that carries an ES256 JWT for this one request, as Coinbase's platform wants it.
 * Source: https://docs.cdp.coinbase.com/get-started/authentication/jwt-authentication.
 */
export function jwtValidate(
  server: TriedServer,
  secret: Readonly<Record<string, unknown>>,
  now = new Date(),
): Promise<CredentialVerdict> {
  return validate(server, secret, (texts) => signed(server, texts, now));
}

async function signed(server: TriedServer, secret: Record<string, string>, now: Date) {
  const keyName = secret['key_name'];
  if (!keyName) throw new InvalidKey('The secret key_name is missing.');
  const key = p256Key(secret['private_key']);
  const token = await tokenFor(server, { keyName, key, now });
  const read = { ...server.validation, headers: { authorization: `Bearer ${token}` } };
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

function tokenFor(server: TriedServer, by: { keyName: string; key: KeyObject; now: Date }): Promise<string> {
  const { method, path } = server.validation;
  const url = catalogUrl({ baseUrl: server.base_url, path, sandbox: server.sandbox });
  const seconds = Math.floor(by.now.getTime() / 1000);
  const claims = {
    iss: 'cdp',
    sub: by.keyName,
    nbf: seconds,
    exp: seconds + TOKEN_SECONDS,
    uri: `${method} ${url.host}${url.pathname}`,
  };
  const header = { alg: 'ES256', typ: 'JWT', kid: by.keyName, nonce: randomBytes(16).toString('hex') };
  return new SignJWT(claims).setProtectedHeader(header).sign(by.key);
}
