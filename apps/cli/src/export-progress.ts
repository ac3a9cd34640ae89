import { Transform } from 'node:stream';

const SHOW_EVERY_MS = 300;
const QUOTE = 34;
const NEW_LINE = 10;

export interface Progress {
  format: 'ndjson' | 'csv';
  /** So many entries are expected, or about so many. */
  entries: number;
  isExact: boolean;
  /** Gets each line, the last one with `ended`. */
  show: (line: string, ended: boolean) => void;
}

/**
 * Passes a file on as it is, and tells of what has passed: entries, how many a second, and bytes. Behind a proxy that speaks
 * HTTP/1.0 to the gateway, what breaks off may end as if it were whole: it is an error that fewer entries came than exactly expected.
 */
export function watched({ format, entries, isExact, show }: Progress): Transform {
  const startedAt = Date.now();
  const passed = new Passed(format);
  let shownAt = startedAt;
  const tell = (ended: boolean) => {
    shownAt = Date.now();
    const seconds = Math.max(0.001, (shownAt - startedAt) / 1_000);
    const rate = Math.round(passed.entries / seconds);
    const megabytes = (passed.bytes / 1_000_000).toFixed(1);
    show(`${passed.entries} of ${isExact ? '' : 'about '}${entries} entries, ${rate}/s, ${megabytes} MB`, ended);
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      passed.take(chunk);
      if (Date.now() - shownAt > SHOW_EVERY_MS) tell(false);
      done(null, chunk);
    },
    flush(done) {
      tell(true);
      const isShort = isExact && passed.entries < entries;
      done(isShort ? new Error(`${passed.entries} of ${entries} entries came`) : null);
    },
  });
}

/** A CSV file begins with the names of its columns, and a quoted cell may hold more than one line. */
class Passed {
  bytes = 0;
  private lines = 0;
  private isQuoted = false;

  constructor(private readonly format: Progress['format']) {}

  get entries(): number {
    return this.format === 'csv' ? Math.max(0, this.lines - 1) : this.lines;
  }

  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    for (const byte of chunk) {
      if (byte === NEW_LINE && !this.isQuoted) this.lines++;
      else if (byte === QUOTE && this.format === 'csv') this.isQuoted = !this.isQuoted;
    }
  }
}
