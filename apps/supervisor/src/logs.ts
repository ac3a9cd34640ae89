import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

const MOST_BYTES = 10 * 1024 * 1024;

/**
 * One log file per part under `$DATA_DIR/logs`; what a big one holds moves aside, also while its part runs, so that two
 * of them bound the disk, but for what a part says between two looks.
 */
export function openLogs(dataDir: string, lookMs = 10_000, mostBytes = MOST_BYTES) {
  const dir = join(dataDir, 'logs');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  setInterval(() => keepShort(dir, mostBytes), lookMs).unref();
  const path = (part: string) => join(dir, `${part}.log`);
  /** Where what a part says in this run begins in its log. */
  const begins = new Map<string, number>();
  return {
    path,
    open: (part: string): number => {
      const log = openSync(path(part), 'a', 0o600);
      if (!begins.has(part)) begins.set(part, fstatSync(log).size);
      return log;
    },
    /** The last lines a part wrote in this run. */
    tail(part: string, lines = 20): string {
      const begin = begins.get(part);
      return begin === undefined ? '' : lastBytes(path(part), begin).trimEnd().split('\n').slice(-lines).join('\n');
    },
  };
}
export type Logs = ReturnType<typeof openLogs>;

function keepShort(dir: string, mostBytes: number): void {
  try {
    for (const file of readdirSync(dir).filter((name) => name.endsWith('.log'))) {
      const path = join(dir, file);
      if (statSync(path).size > mostBytes) moveAside(path, mostBytes);
    }
  } catch {
    // On a full disk there is no room for the copy: the next look tries again.
  }
}

/**
 * Its part goes on writing at the end of the emptied file, as it has opened it for appending. What it writes while this
 * copies is copied too; only what comes in the instant between the last look and the emptying is lost, or comes faster
 * than it can be copied.
 */
function moveAside(path: string, mostBytes: number): void {
  const log = openSync(path, 'r+');
  try {
    rmSync(`${path}.1`, { force: true });
    const piece = Buffer.alloc(1024 * 1024);
    const most = fstatSync(log).size + mostBytes;
    for (let length, copied = 0; copied < most && (length = readSync(log, piece)) > 0; copied += length)
      appendFileSync(`${path}.1`, piece.subarray(0, length), { mode: 0o600 });
    ftruncateSync(log);
  } catch (error) {
    // Half a copy is worth less than the room that it takes.
    rmSync(`${path}.1`, { force: true });
    throw error;
  } finally {
    closeSync(log);
  }
}

/** Of a file that was emptied since, all that is in it. */
function lastBytes(path: string, begin: number): string {
  const file = openSync(path, 'r');
  try {
    const end = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(end < begin ? end : end - begin, 16 * 1024));
    readSync(file, buffer, 0, buffer.length, end - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}
