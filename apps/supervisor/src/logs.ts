import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const maxLogBytes = 10 * 1024 * 1024;

/** One log file per part under `$DATA_DIR/logs`; a big one moves aside at start, so that two of them bound the disk. */
export function openLogs(dataDir: string) {
  const dir = join(dataDir, 'logs');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = (part: string) => join(dir, `${part}.log`);
  return {
    path,
    open: (part: string): number => {
      if (existsSync(path(part)) && statSync(path(part)).size > maxLogBytes) renameSync(path(part), `${path(part)}.1`);
      return openSync(path(part), 'a', 0o600);
    },
    /** The last lines a part wrote. */
    tail(part: string, lines = 20): string {
      return existsSync(path(part)) ? lastBytes(path(part)).trimEnd().split('\n').slice(-lines).join('\n') : '';
    },
  };
}
export type Logs = ReturnType<typeof openLogs>;

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
