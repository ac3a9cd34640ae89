import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_WITHIN_MS = 5_000;

/** The file by which a Postgres holds its cluster. */
export const lockOf = (cluster: string): string => join(cluster, 'postmaster.pid');

/** The process that the lock of a cluster names, if it lives and is a Postgres; null on systems that cannot tell. */
export function postmasterOf(cluster: string): number | null {
  if (!existsSync(lockOf(cluster))) return null;
  const pid = readFileSync(lockOf(cluster), 'utf8').split('\n')[0]!;
  const name = `/proc/${pid}/comm`;
  return existsSync(name) && readFileSync(name, 'utf8').trim() === 'postgres' ? Number(pid) : null;
}

/**
 * Ends the Postgres of this cluster that no run file names, as its supervisor was killed before it could be noted: it would keep
 * each later one from starting. For whoever has the data folder to himself. A lock that a Postgres elsewhere has come to
 * fit is passed over.
 */
export async function endPostmasterOf(cluster: string): Promise<void> {
  const pid = postmasterOf(cluster);
  if (pid === null || !worksIn(pid, cluster)) return;
  await endProcess(pid, () => worksIn(pid, cluster));
}

/** Asks a process to end, and ends it by force when it has not within five seconds. */
export async function endProcess(pid: number, isAlive: () => boolean): Promise<void> {
  process.kill(pid, 'SIGINT');
  for (let waited = 0; isAlive() && waited < STOP_WITHIN_MS; waited += 50) await sleep(50);
  if (isAlive()) process.kill(pid, 'SIGKILL');
}

function worksIn(pid: number, folder: string): boolean {
  try {
    return realpathSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return false;
  }
}
