import { accessSync, constants, lstatSync, mkdirSync, readlinkSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { shelterOf } from './postgres-account.js';
import { openSecrets, type Secrets } from './secrets.js';
import { StartError } from './start-error.js';

const FULL = constants.R_OK | constants.W_OK | constants.X_OK;

/** Others may pass through the folder (the database may have to run as another user) but not look around in it. */
export function openDataFolder(dataDir: string): Secrets {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 });
    accessSync(dataDir, FULL);
    const secrets = openSecrets(dataDir);
    accessSync(secrets.dir, FULL);
    return secrets;
  } catch (error) {
    throw new StartError(`DATA_DIR ${dataDir} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/**
 * Removes the data folder and the database that was sheltered outside it. Returns where the database still is when the
 * link leads elsewhere: that may be the one of another folder, of which this is a copy.
 */
export function removeDataFolder(dataDir: string, shelter = shelterOf(dataDir)): string | undefined {
  const link = join(dataDir, 'postgres');
  const target = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined;
  const isOurs = target?.startsWith(shelter + sep);
  if (isOurs) rmSync(shelter, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
  return isOurs ? undefined : target;
}
