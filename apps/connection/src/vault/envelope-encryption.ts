import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from '#contracts/cipher.js';
import type { KeyEncryption } from './key-ring.js';

/** Where a secret belongs. It is bound into the ciphertext: moved to another place, it does not open. */
export interface EncryptionContext {
  project_id: string;
  environment: string;
  connection_id: string;
  field: string;
  version: number;
}

export interface Wrapped {
  epoch: number;
  wrapped_key: Buffer;
}

export interface Sealed extends Wrapped {
  ciphertext: Buffer;
}

/** A fresh data key encrypts the secret; the key-encryption key of the current epoch wraps the data key. */
export async function seal(keks: KeyEncryption, context: EncryptionContext, secret: string): Promise<Sealed> {
  const dataKey = randomBytes(32);
  const ciphertext = encrypt(dataKey, Buffer.from(secret), additionalData(context, 'secret'));
  return { ...(await wrap(keks, context, dataKey)), ciphertext };
}

export async function open(keks: KeyEncryption, context: EncryptionContext, sealed: Sealed): Promise<string> {
  const dataKey = await unwrap(keks, context, sealed);
  return decrypt(dataKey, sealed.ciphertext, additionalData(context, 'secret')).toString();
}

/** The same data key under the current epoch. The secret itself is not touched. */
export async function rewrap(keks: KeyEncryption, context: EncryptionContext, old: Wrapped): Promise<Wrapped> {
  return wrap(keks, context, await unwrap(keks, context, old));
}

/** Whether the data key opens: of the key-encryption key this tells if it is the one it was wrapped with. */
export const opens = (keks: KeyEncryption, context: EncryptionContext, wrapped: Wrapped): Promise<boolean> =>
  unwrap(keks, context, wrapped).then(
    () => true,
    () => false,
  );

async function wrap(keks: KeyEncryption, context: EncryptionContext, dataKey: Buffer): Promise<Wrapped> {
  const epoch = keks.current();
  return { epoch, wrapped_key: await keks.wrap(epoch, dataKey, additionalData(context, `key ${epoch}`)) };
}

const unwrap = (keks: KeyEncryption, context: EncryptionContext, { epoch, wrapped_key }: Wrapped): Promise<Buffer> =>
  keks.unwrap(epoch, wrapped_key, additionalData(context, `key ${epoch}`));

const additionalData = (
  { project_id, environment, connection_id, field, version }: EncryptionContext,
  what: string,
): Buffer => Buffer.from(JSON.stringify([what, project_id, environment, connection_id, field, version]));
