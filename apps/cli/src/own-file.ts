import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { inOneLine } from './printable.js';

/**
 * The text of a file that says where to go: null when there is none. In a folder that others write to, one of theirs would
 * lead us to them, key in hand; so one that is not ours or root's, or has a mode that is `closed`, is passed over aloud.
 */
export function readOwn(path: string, closed: number): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { uid, mode } = fstatSync(file);
      // Windows has no uids.
      const isOwn = [0, process.getuid?.() ?? uid].includes(uid);
      if (isOwn && (mode & closed) === 0) return readFileSync(file, 'utf8');
      tell(path, isOwn ? `others may get at it (chmod 600, if what it says is yours)` : 'it belongs to another user');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') tell(path, code ?? message);
  }
  return null;
}

const tell = (path: string, why: string) => console.error(inOneLine(`${path} is passed over: ${why}.`));
