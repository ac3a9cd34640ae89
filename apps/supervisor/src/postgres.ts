import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PartPlan } from './child.js';
import { type Account, databaseAccount } from './postgres-account.js';
import { lockOf, postmasterOf } from './postmaster.js';
import { StartError } from './start-error.js';

const run = promisify(execFile);

/** Durability stays at Postgres' defaults (fsync, full page writes); these only keep a small machine comfortable. */
const serverSettings = {
  max_connections: 100,
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: 0,
  jit: 'off',
};

/** Makes the cluster when there is none yet, and returns the plan of its server. */
export async function embeddedPostgres(
  dataDir: string,
  password: string,
  { port, inherited }: { port: number; inherited: NodeJS.ProcessEnv },
): Promise<PartPlan> {
  const account = await databaseAccount(dataDir);
  const cluster = join(account.home, 'postgres');
  if (!existsSync(join(cluster, 'PG_VERSION'))) await makeCluster(cluster, password, account);
  const settings = Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const postgres = join(account.binaries, 'postgres');
  const words = [
    ...account.prefix,
    postgres,
    '-D',
    cluster,
    '-h',
    '127.0.0.1',
    '-k',
    '',
    '-p',
    String(port),
    ...settings,
  ];
  return {
    name: 'postgres',
    command: words[0]!,
    args: words.slice(1),
    env: inherited,
    port,
    stopSignal: 'SIGINT',
    uid: account.uid,
    gid: account.gid,
    beforeStart: () => dropStaleLock(cluster),
  };
}

/** Made beside its place and moved there when complete, so that an interrupted start leaves no half cluster. */
async function makeCluster(cluster: string, password: string, account: Account): Promise<void> {
  refuseShellWords(account.binaries);
  const draft = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const { uid, gid } = account;
  if (uid !== undefined && gid !== undefined) [draft, passwordFile].forEach((path) => chownSync(path, uid, gid));
  const words = [
    ...account.prefix,
    join(account.binaries, 'initdb'),
    '-D',
    draft,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
  ];
  words.push(`--pwfile=${passwordFile}`, '--encoding=UTF8', '--no-locale', '--data-checksums');
  try {
    await run(words[0]!, words.slice(1), { uid, gid });
    renameSync(draft, cluster);
  } catch (error) {
    throw new StartError(`The database could not be set up: ${(error as Error).message}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** initdb has a shell run the server, with its path in double quotes. */
export function refuseShellWords(binaries: string): void {
  const found = /["$`\\]/.exec(binaries);
  if (found) {
    throw new StartError(`Postgres cannot be set up under a path with ${found[0]} in it: move ${binaries} elsewhere.`);
  }
}

/**
 * After a crash of the whole machine or container the lock file may name a number that a stranger has now, and
 * Postgres would wait for that stranger for ever. A lock of a living Postgres stays: the start is retried until it ends.
 */
function dropStaleLock(cluster: string): void {
  if (existsSync('/proc/self') && postmasterOf(cluster) === null) rmSync(lockOf(cluster), { force: true });
}
