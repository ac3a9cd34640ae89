import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Server, takesSecret } from '#contracts/api/servers.js';
import type { CertMetadata } from '#contracts/connection-metadata.js';
import { DomainError } from '#contracts/errors.js';
import { isP256, pem, privateKey } from './pem.js';

/** A credential as a caller hands it over: one string, or several by name. */
export type Secret = string | Record<string, string>;

/** Refuses a secret that the server cannot use; answers with what its certificate says, if it holds one. */
export function checkSecret(server: Server, secret: Secret): CertMetadata | Record<string, never> {
  if (!takesSecret(server)) throw new DomainError('NOT_API_KEY_SERVER');
  const named = byName(server, secret);
  if (server.auth_type === 'cert') return certificateOf(named);
  if (server.auth_type === 'jwt_ecdsa') requireP256(readKey(named['private_key'] ?? ''));
  return {};
}

/** The secrets by their names, which are exactly the declared ones. */
export function byName({ secret_names }: Pick<Server, 'secret_names'>, secret: Secret): Record<string, string> {
  if ((typeof secret === 'string') !== (secret_names.length === 1)) {
    const needed = secret_names.length === 1 ? 'one string' : `an object of ${secret_names.join(', ')}`;
    throw new DomainError('INVALID_SECRET_SHAPE', `secret must be ${needed}`);
  }
  if (typeof secret === 'string') return { [secret_names[0]!]: secret };
  const missing = secret_names.filter((name) => !Object.hasOwn(secret, name));
  const extra = Object.keys(secret).filter((name) => !secret_names.includes(name));
  if (missing.length + extra.length > 0) throw new DomainError('KEYS_MISMATCH', undefined, { missing, extra });
  return secret;
}

function certificateOf({ cert = '', key = '' }: Record<string, string>): CertMetadata {
  const { certificate, metadata } = readable('certificate', () => {
    const certificate = new X509Certificate(pem(cert));
    return { certificate, metadata: metadataOf(certificate) };
  });
  if (!certificate.checkPrivateKey(readKey(key))) {
    throw new DomainError('INVALID_SECRET_SHAPE', 'The private key does not belong to the certificate.');
  }
  return metadata;
}

/** Throws when it names no moments: OpenSSL reads a certificate whose times are none. */
function metadataOf(certificate: X509Certificate): CertMetadata {
  const { subject, issuer } = certificate.toLegacyObject();
  return {
    subject_cn: commonName(subject),
    issuer_cn: commonName(issuer),
    not_before: new Date(certificate.validFrom).toISOString(),
    not_after: new Date(certificate.validTo).toISOString(),
    fingerprint_sha256: certificate.fingerprint256,
  };
}

/** A name may have none, or several. */
const commonName = ({ CN }: { CN?: string | string[] }): string | null => [CN].flat()[0] ?? null;

const readKey = (text: string): KeyObject => readable('private key', () => privateKey(text));

function requireP256(key: KeyObject): void {
  if (isP256(key)) return;
  throw new DomainError('INVALID_SECRET_SHAPE', 'The private key must be on the curve P-256.');
}

/** What exactly is wrong with it could quote it. */
function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new DomainError('INVALID_SECRET_SHAPE', `The ${what} is not readable PEM.`);
  }
}
