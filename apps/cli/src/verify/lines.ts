import { createReadStream } from 'node:fs';
import type { Lines } from './verify.js';

/** A line ends with a line feed and nothing else: newer versions of readline also cut at U+2028, which JSON may hold as it is. */
export const linesOf = (file: string): Lines =>
  async function* () {
    let rest = '';
    for await (const chunk of createReadStream(file, 'utf8')) {
      const lines = `${rest}${chunk as string}`.split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== '') yield rest;
  };
