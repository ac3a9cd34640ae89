import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Wraps the data keys. It comes from the environment or a file; a KMS would fit behind the same two fields. */
export interface KeyEncryptionKey {
  epoch: number;
  key: Buffer;
}

export function keyEncryptionKeyFrom(env: {
  VAULT_KEK?: string | undefined;
  VAULT_KEK_FILE?: string | undefined;
}): KeyEncryptionKey {
  const text = env.VAULT_KEK ?? (env.VAULT_KEK_FILE ? readFileSync(env.VAULT_KEK_FILE, 'utf8') : '');
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new Error('VAULT_KEK or the file of VAULT_KEK_FILE must hold 32 bytes in base64');
  return { epoch: 1, key };
}

const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/**
 * The pair with which the edge seals secrets to the vault. It follows from the key-encryption key, so that every
 * replica can open what was sealed for any of them, and nothing more needs to be kept.
 */
export function sealingKeysFrom({ key }: KeyEncryptionKey): { privateKey: KeyObject; publicKey: KeyObject } {
  const seed = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), 'latchkey sealing key', 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, seed]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
