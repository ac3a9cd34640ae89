import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

/** Keys that another user has put there, or could change, are known to that one. Root may do so anyway. */
function refuseForeign(dir: string): void {
  const own = process.getuid?.();
  if (own === undefined) return;
  const isClosed = (statSync(dir).mode & 0o011) === 0;
  for (const path of [dir, ...readdirSync(dir).map((name) => join(dir, name))]) {
    const target = statSync(path, { throwIfNoEntry: false });
    const owner = [lstatSync(path), target].map((entry) => entry?.uid).find((uid) => uid && uid !== own);
    const isWritable = target && (target.mode & 0o022) !== 0 && (path === dir || !isClosed);
    if (owner === undefined && !isWritable) continue;
    const why = owner === undefined ? 'can be changed by other users' : `belongs to user ${owner}`;
    throw new StartError(
      `${path} ${why}, who may know the keys there. Name another DATA_DIR; or, if you trust all that is in this one: ` +
        `chown -Rh ${own} '${dir}' && chmod -R go-w '${dir}'`,
    );
  }
}

/** Opens the folder of generated secrets: each is made once, readable by the owner only, and stays the same over restarts. */
export function openSecrets(dataDir: string) {
  const dir = join(dataDir, 'secrets');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  refuseForeign(dir);
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
