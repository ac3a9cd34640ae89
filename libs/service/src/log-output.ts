import { write, writeSync } from 'node:fs';

/** Lines leave ten times a second, or when so many characters are together: a write for each costs more than making it. */
const EVERY_MS = 100;
const TOGETHER = 4_096;
const MOST_WAITING = 1_048_576;

/**
 * Where log lines go. What cannot be written, as on a full disk, waits, and is tried again; what comes while too much waits is
 * lost. Whoever logs goes on meanwhile. It has no `flush`, as nobody should wait for that: what is left leaves as the process ends.
 */
export class LogOutput {
  private waiting = '';
  /** What has been begun with, or what is left of it: a line is written whole, however often that is tried. */
  private begun = Buffer.alloc(0);
  private isWriting = false;

  constructor(private readonly file: number) {
    setInterval(() => this.send(), EVERY_MS).unref();
    process.once('exit', () => this.sendLast());
  }

  write(line: string): void {
    if (this.waiting.length + line.length > MOST_WAITING) return;
    this.waiting += line;
    if (this.waiting.length >= TOGETHER) this.send();
  }

  private send(): void {
    if (this.isWriting || this.begin().length === 0) return;
    this.isWriting = true;
    write(this.file, this.begun, (error, written) => {
      this.isWriting = false;
      if (error) return;
      this.begun = this.begun.subarray(written);
      if (this.begun.length > 0) this.send();
    });
  }

  private begin(): Buffer {
    if (this.begun.length === 0) {
      this.begun = Buffer.from(this.waiting);
      this.waiting = '';
    }
    return this.begun;
  }

  /** Once only: there is no later. */
  private sendLast(): void {
    let left = Buffer.concat([...(this.isWriting ? [] : [this.begun]), Buffer.from(this.waiting)]);
    try {
      while (left.length > 0) left = left.subarray(writeSync(this.file, left));
    } catch {
      // Lost.
    }
  }
}
