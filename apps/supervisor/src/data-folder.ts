import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
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
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${dataDir} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What is made in a data folder, and what is written beside it first. */
const OURS =
  /^(secrets|logs|postgres(\.new|\.password)?|run\.json(\.new|\.\d+(\.old)?)?|sandbox-bank\.json(\.oauth)?(\.new)?)$/;

/** What a removal did not take. */
interface Left {
  /** Where the database still is when the link leads elsewhere: that may be the one of another folder, of which this is a copy. */
  database?: string;
  /** Names of what Latchkey has not made, for which the folder stays. */
  others: string[];
}

/** Removes what Latchkey keeps in the folder, the database that was sheltered outside it, and the folder once it is empty. */
export function removeDataFolder(dataDir: string, shelter = shelterOf(dataDir)): Left {
  if (!existsSync(dataDir)) return { others: [] };
  const link = join(dataDir, 'postgres');
  const target = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined;
  const isOurs = target?.startsWith(shelter + sep);
  if (isOurs) rmSync(shelter, { recursive: true, force: true });
  const names = readdirSync(dataDir);
  for (const name of names.filter((one) => OURS.test(one)))
    rmSync(join(dataDir, name), { recursive: true, force: true });
  const others = names.filter((name) => !OURS.test(name));
  if (others.length === 0) removeEmpty(dataDir);
  return { ...(target !== undefined && !isOurs && { database: target }), others };
}

/** A mount point stays, and one in a folder that is not ours to change: empty, it is as good as none. */
function removeEmpty(dataDir: string): void {
  try {
    // Its name may be a link to a disk of its own.
    (lstatSync(dataDir).isSymbolicLink() ? unlinkSync : rmdirSync)(dataDir);
  } catch (error) {
    if (!/^(EBUSY|EACCES|EPERM|EROFS)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
