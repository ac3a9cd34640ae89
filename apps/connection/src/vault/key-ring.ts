import { readFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { DomainError } from '#contracts/errors.js';
import { fromSetting, SettingsError } from '#service/settings-error.js';
import { decrypt, encrypt } from '#contracts/cipher.js';

/** Wraps data keys under numbered epochs. A KMS would fit here: nothing else ever sees the keys themselves. */
export interface KeyEncryption {
  /** What is wrapped from now on belongs to this epoch. */
  current(): number;
  /** Those that can be unwrapped. */
  epochs(): number[];
  wrap(epoch: number, dataKey: Buffer, additional: Buffer): Promise<Buffer>;
  unwrap(epoch: number, wrapped: Buffer, additional: Buffer): Promise<Buffer>;
}

export interface KeySource {
  VAULT_KEK?: string | undefined;
  VAULT_KEK_FILE?: string | undefined;
  /** Holds new writes at this epoch, until every replica knows a newer one. */
  VAULT_KEK_CURRENT?: number | undefined;
}

const FORM = 'VAULT_KEK or the file of VAULT_KEK_FILE must hold 32 bytes in base64, or several keys as 1:… 2:…';

/**
 * The keys that the environment or a file holds: one in base64, or several as `epoch:key`, apart by white space or commas.
 * The newest is current. A file is read again when an epoch is met that is not known yet, so that a key that was added
 * to it needs no restart.
 */
export class KeyRing implements KeyEncryption {
  private keys: Map<number, Buffer>;
  /** Where the keys are read from, a newest one that was taken out of it seals nothing any more. */
  private newest: number;

  constructor(private readonly source: KeySource) {
    this.keys = readKeys(source);
    this.newest = Math.max(...this.keys.keys());
  }

  current(): number {
    return this.source.VAULT_KEK_CURRENT ?? this.newest;
  }

  epochs(): number[] {
    return [...this.keys.keys()].sort((a, b) => a - b);
  }

  /**
   * Takes in what was added to the file, and keeps what was taken out of it until the next start. A file that is wrong, or in
   * which an epoch has got another key, changes nothing, and says so: what the first key has sealed opens with no other.
   */
  reload(): void {
    const read = readKeys(this.source);
    for (const [epoch, key] of this.keys) {
      if (read.get(epoch)?.equals(key) === false)
        throw new SettingsError(`VAULT_KEK: epoch ${epoch} has got another key`);
    }
    this.keys = new Map([...this.keys, ...read]);
    this.newest = Math.max(...read.keys());
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a KMS would have to ask somebody
  async wrap(epoch: number, dataKey: Buffer, additional: Buffer): Promise<Buffer> {
    return encrypt(this.key(epoch), dataKey, additional);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a KMS would have to ask somebody
  async unwrap(epoch: number, wrapped: Buffer, additional: Buffer): Promise<Buffer> {
    return decrypt(this.key(epoch), wrapped, additional);
  }

  /**
   * The pair with which the edge seals secrets to the vault in this epoch. It follows from the key, so that every replica
   * can open what was sealed for any of them, and nothing more needs to be kept.
   */
  sealingPair(epoch: number): SealingPair {
    const seed = Buffer.from(hkdfSync('sha256', this.key(epoch), Buffer.alloc(0), 'latchkey sealing key', 32));
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, seed]), format: 'der', type: 'pkcs8' });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }

  private key(epoch: number): Buffer {
    let cause: unknown = new Error(`the key-encryption key of epoch ${epoch} is not here`);
    try {
      if (!this.keys.has(epoch)) this.reload();
    } catch (error) {
      cause = error; // Its file is being written just now, or is wrong.
    }
    const key = this.keys.get(epoch);
    if (key) return key;
    throw new DomainError('VAULT_UNAVAILABLE', undefined, undefined, { cause });
  }
}

export interface SealingPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

function readKeys({ VAULT_KEK, VAULT_KEK_FILE, VAULT_KEK_CURRENT }: KeySource): Map<number, Buffer> {
  const ofFile = (file: string) => fromSetting('VAULT_KEK_FILE', () => readFileSync(file, 'utf8'));
  const text = VAULT_KEK ?? (VAULT_KEK_FILE ? ofFile(VAULT_KEK_FILE) : '');
  const keys = new Map<number, Buffer>();
  for (const entry of text.split(/[\s,]+/).filter(Boolean)) {
    const [, epoch = '1', base64] = /^(?:(\d{1,9}):)?([A-Za-z0-9+/_=-]+)$/.exec(entry) ?? [];
    const key = Buffer.from(base64 ?? '', 'base64');
    if (key.length !== 32 || Number(epoch) < 1) throw new SettingsError(FORM);
    if (keys.has(Number(epoch))) throw new SettingsError(`VAULT_KEK: epoch ${epoch} stands there twice`);
    keys.set(Number(epoch), key);
  }
  if (keys.size === 0) throw new SettingsError(FORM);
  if (VAULT_KEK_CURRENT !== undefined && !keys.has(VAULT_KEK_CURRENT)) {
    throw new SettingsError(`VAULT_KEK_CURRENT: there is no key of epoch ${VAULT_KEK_CURRENT}`);
  }
  return keys;
}
