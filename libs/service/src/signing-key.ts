import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fromSetting, SettingsError } from './settings-error.js';

interface Places {
  /** The variable that holds the key; with `_FILE`, the one that names a file with it. */
  variable: string;
  /** The file's name in the data folder, without its ending. */
  name: string;
  NODE_ENV: 'development' | 'test' | 'production';
  /** PKCS #8 in base64; several are apart by white space or commas. */
  text?: string | undefined;
  /** PKCS #8 in PEM, one behind the other. */
  file?: string | undefined;
  dataDir?: string | undefined;
}

/**
 * Ed25519 keys, of which the first one signs, and older ones are only published: those given, a variable's before a file's,
 * or one made once in the data folder, readable by its owner only.
 * Two replicas with different keys would disown each other's signatures, so production needs a key that they share.
 */
export function openSigningKeys({ variable, name, NODE_ENV, text, file: path, dataDir }: Places): KeyObject[] {
  const file = path ?? (dataDir && !text ? madeOnce(join(dataDir, 'secrets', `${name}.pem`)) : undefined);
  const filed = file ? fromSetting(`${variable}_FILE`, () => fromPem(readFileSync(file, 'utf8'))) : [];
  if (file && filed.length === 0) throw new SettingsError(`${variable}_FILE: must hold an Ed25519 key`);
  const named = text?.match(/[^\s,]+/g) ?? [];
  const given = [...named.map((key) => fromBase64(key, variable)), ...filed];
  // One that is given twice is one: no reader of a key set takes two of one name.
  const keys = given.filter((key, n) => given.findIndex((one) => one.equals(key)) === n);
  if (keys.length === 0) {
    if (NODE_ENV === 'production') throw new SettingsError(`${variable}_FILE: must be set in production`);
    return [generateKeyPairSync('ed25519').privateKey];
  }
  if (keys.some((key) => key.asymmetricKeyType !== 'ed25519')) {
    throw new SettingsError(`${variable}_FILE: must hold an Ed25519 key`);
  }
  return keys;
}

const fromPem = (text: string): KeyObject[] =>
  (text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []).map((pem) => createPrivateKey(pem));

function fromBase64(text: string, variable: string): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    throw new SettingsError(`${variable}: must be an Ed25519 key, PKCS #8 in base64`);
  }
}

/** A replica that starts at the same moment finds either no file or a whole one, and the first one made stays. */
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
