import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * A file of JSON lines. A line is handed to the operating system before the caller gets its answer, so it survives a kill of
 * the process; a torn one is one nobody was told about.
 */
export class JsonLines<Line extends object> {
  private file: number | undefined;
  private size = 0;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
  }

  /** What stands in the file; what cannot be read is passed over. */
  read(): Line[] {
    const text = existsSync(this.path) ? readFileSync(this.path, 'utf8') : '';
    return text.split('\n').flatMap((line) => parsed<Line>(line) ?? []);
  }

  /** Puts these in the place of all that stands there. */
  rewrite(lines: Line[]): void {
    writeFileSync(`${this.path}.new`, lines.map(textOf).join(''), { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
    this.file = openSync(this.path, 'a');
    this.size = statSync(this.path).size;
  }

  /** All of the line or, as on a full disk, nothing: then it throws. */
  append(line: Line): void {
    const bytes = Buffer.from(textOf(line));
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(this.file!, bytes, written);
      this.size += bytes.length;
    } catch (error) {
      ftruncateSync(this.file!, this.size);
      throw error;
    }
  }

  close(): void {
    closeSync(this.file!);
  }
}

const textOf = (line: object): string => `${JSON.stringify(line)}\n`;

function parsed<Line>(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}
