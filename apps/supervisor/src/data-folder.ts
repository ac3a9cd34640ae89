import { lstatSync, readlinkSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { shelterOf } from './postgres-account.js';

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
