import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const ALG = 'ECDH-ES';
const ENC = 'A256GCM';
const MOST_SENDERS = 256;

/**
 * Seals texts to a public key: compact JWE, ECDH-ES over X25519 and A256GCM (RFC 7516, 7518, 8037), which any library opens.
 * One ephemeral key serves all texts of a sealer, each under a nonce of its own, because agreeing on a key costs a
 * hundred times as much as the encryption. Make a new sealer every few minutes.
 */
export function sealerTo(jwk: JsonWebKey): (text: string) => string {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const { kty, crv, x } = publicKey.export({ format: 'jwk' });
  const kid = typeof jwk['kid'] === 'string' ? { kid: jwk['kid'] } : {};
  const header = encoded(JSON.stringify({ alg: ALG, enc: ENC, ...kid, epk: { kty, crv, x } }));
  const key = agreedKey(privateKey, createPublicKey({ key: jwk, format: 'jwk' }));
  return (text) => {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header));
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    return [header, '', encoded(iv), encoded(sealed), encoded(cipher.getAuthTag())].join('.');
  };
}

/** Opens what was sealed to this key; throws for everything else. Remembers what it agreed on with recent senders. */
export function openerWith(privateKey: KeyObject): (jwe: string) => string {
  const keys = new Map<string, Buffer>();
  const keyFor = (header: string): Buffer => {
    const key = keys.get(header) ?? agreedKey(privateKey, senderOf(header));
    keys.delete(header);
    if (keys.size >= MOST_SENDERS) keys.delete(keys.keys().next().value!);
    keys.set(header, key);
    return key;
  };
  return (jwe) => {
    const [header = '', agreed, iv = '', sealed = '', tag = '', ...rest] = jwe.split('.');
    if (agreed !== '' || rest.length > 0) throw new Error('not a sealed text');
    const decipher = createDecipheriv('aes-256-gcm', keyFor(header), decoded(iv), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(header)).setAuthTag(decoded(tag));
    return Buffer.concat([decipher.update(decoded(sealed)), decipher.final()]).toString();
  };
}

function senderOf(header: string): KeyObject {
  const { alg, enc, epk, crit } = JSON.parse(decoded(header).toString()) as Record<string, unknown>;
  if (alg !== ALG || enc !== ENC || crit !== undefined) throw new Error('sealed in another way');
  const key = createPublicKey({ key: epk as JsonWebKey, format: 'jwk' });
  if (key.asymmetricKeyType !== 'x25519') throw new Error('sealed with another kind of key');
  return key;
}

/** RFC 7518, section 4.6.2, for the one key length there is here. */
function agreedKey(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const count = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const secret = diffieHellman({ privateKey, publicKey });
  const info = [count(ENC.length), Buffer.from(ENC), count(0), count(0), count(256)];
  return createHash('sha256')
    .update(Buffer.concat([count(1), secret, ...info]))
    .digest();
}

const encoded = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64url');
const decoded = (text: string): Buffer => Buffer.from(text, 'base64url');
