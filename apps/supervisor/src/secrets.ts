import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './start-error.js';

/** Writes a file that only its owner may read, all of it or none of it. */
export function writePrivately(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** What a data folder that holds a database cannot do without: another secret would open nothing of what is stored. */
const kept: Record<string, string> = {
  'vault.key': 'no other key opens the credentials there. Put the file back, or set VAULT_KEK',
  'postgres-admin': 'no other password opens it. Put the file back',
};

/** Opens the folder of generated secrets: each is made once, readable by the owner only, and stays the same over restarts. */
export function openSecrets(dataDir: string) {
  const dir = join(dataDir, 'secrets');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = (name: string, make: () => string) => {
    const path = join(dir, name);
    if (!existsSync(path)) {
      refuseLost(name, path);
      writePrivately(path, make());
    }
    return path;
  };
  const refuseLost = (name: string, path: string) => {
    if (!kept[name] || !existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) return;
    throw new StartError(`${path} is missing, but ${dataDir} holds a database: ${kept[name]}. Nothing was changed.`);
  };
  return {
    dir,
    /** The path of a secret's file. */
    file,
    /** A secret's value; letters and digits unless `make` says otherwise. */
    read: (name: string, make = () => randomBytes(24).toString('hex')) => readFileSync(file(name, make), 'utf8'),
  };
}
export type Secrets = ReturnType<typeof openSecrets>;

/** 32 random bytes in base64, the form of every key-encryption key here. */
export const keyEncryptionKey = () => `${randomBytes(32).toString('base64')}\n`;
