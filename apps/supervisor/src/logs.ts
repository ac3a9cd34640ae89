import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';

const maxLogBytes = 10 * 1024 * 1024;

/**
 * One log file per part under `$DATA_DIR/logs`; what a big one holds moves aside, also while its part runs, so that two
 * of them bound the disk, but for what a part says between two looks.
 */
export function openLogs(dataDir: string, lookMs = 10_000) {
  const dir = join(dataDir, 'logs');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  setInterval(() => keepShort(dir), lookMs).unref();
  const path = (part: string) => join(dir, `${part}.log`);
  return {
    path,
    open: (part: string): number => openSync(path(part), 'a', 0o600),
    /** The last lines a part wrote. */
    tail(part: string, lines = 20): string {
      return existsSync(path(part)) ? lastBytes(path(part)).trimEnd().split('\n').slice(-lines).join('\n') : '';
    },
  };
}
export type Logs = ReturnType<typeof openLogs>;

/** Parts go on writing at the end of the emptied file, as they have opened it for appending. */
function keepShort(dir: string): void {
  try {
    for (const file of readdirSync(dir).filter((name) => name.endsWith('.log'))) {
      const path = join(dir, file);
      if (statSync(path).size <= maxLogBytes) continue;
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    }
  } catch {
    // On a full disk there is no room for the copy: the next look tries again.
  }
}

function lastBytes(path: string): string {
  const file = openSync(path, 'r');
  try {
    const end = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(end, 16 * 1024));
    readSync(file, buffer, 0, buffer.length, end - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}
