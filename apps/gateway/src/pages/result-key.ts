import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PagesSettings } from './settings.js';

type Places = Pick<PagesSettings, 'NODE_ENV' | 'RESULT_SIGNING_KEY_FILE' | 'DATA_DIR'>;

/** The Ed25519 key that signs results: the one given, or one made once in the data folder, readable by its owner only. */
export function openResultKey({ NODE_ENV, RESULT_SIGNING_KEY_FILE, DATA_DIR }: Places): KeyObject {
  const file = RESULT_SIGNING_KEY_FILE ?? (DATA_DIR && madeOnce(join(DATA_DIR, 'secrets', 'result-signing.pem')));
  if (!file) return withoutFile(NODE_ENV);
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('RESULT_SIGNING_KEY_FILE: must hold an Ed25519 key');
  return key;
}

/** Two replicas with different keys would disown each other's results, so production needs a key that they share. */
function withoutFile(environment: Places['NODE_ENV']): KeyObject {
  if (environment === 'production') throw new Error('RESULT_SIGNING_KEY_FILE: must be set in production');
  return generateKeyPairSync('ed25519').privateKey;
}

/** A gateway that starts at the same moment finds either no file or a whole one, and the first one made stays. */
function madeOnce(file: string): string {
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(draft, pem, { mode: 0o600, flush: true });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return file;
}
