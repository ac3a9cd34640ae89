import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyEncryptionKey } from './key-encryption-key.js';

const CIPHER = 'aes-256-gcm';
const IV = 12;
const TAG = 16;

/** Where a secret belongs. It is bound into the ciphertext: moved to another place, it does not open. */
export interface Place {
  project_id: string;
  environment: string;
  connection_id: string;
  field: string;
  version: number;
}

export interface Sealed {
  epoch: number;
  wrapped_key: Buffer;
  ciphertext: Buffer;
}

/** A fresh data key encrypts the secret; the key-encryption key wraps the data key. */
export function seal(kek: KeyEncryptionKey, place: Place, secret: string): Sealed {
  const dataKey = randomBytes(32);
  const ciphertext = encrypt(dataKey, Buffer.from(secret), bound(place, 'secret'));
  return { epoch: kek.epoch, wrapped_key: encrypt(kek.key, dataKey, bound(place, `key ${kek.epoch}`)), ciphertext };
}

export function open(kek: KeyEncryptionKey, place: Place, sealed: Sealed): string {
  const dataKey = decrypt(kek.key, sealed.wrapped_key, bound(place, `key ${sealed.epoch}`));
  return decrypt(dataKey, sealed.ciphertext, bound(place, 'secret')).toString();
}

const bound = ({ project_id, environment, connection_id, field, version }: Place, what: string): Buffer =>
  Buffer.from(JSON.stringify([what, project_id, environment, connection_id, field, version]));

function encrypt(key: Buffer, plain: Buffer, additional: Buffer): Buffer {
  const iv = randomBytes(IV);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(additional);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

function decrypt(key: Buffer, sealed: Buffer, additional: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV)).setAAD(additional);
  decipher.setAuthTag(sealed.subarray(IV, IV + TAG));
  return Buffer.concat([decipher.update(sealed.subarray(IV + TAG)), decipher.final()]);
}
