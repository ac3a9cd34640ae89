import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { linesOf } from './lines.js';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function linesIn(text: string): Promise<string[]> {
  const file = join(folder, 'export.ndjson');
  writeFileSync(file, text);
  const lines: string[] = [];
  for await (const line of linesOf(file)()) lines.push(line);
  return lines;
}

describe('the lines of an export', () => {
  it('end with a line feed alone, whatever else the texts in them hold', async () => {
    const names = ['a\u2028b', 'a\u2029b', 'a\u0085b', 'a\rb', 'ä€😀'];
    expect(await linesIn(names.map((name) => `${name}\n`).join(''))).toEqual(names);
  });

  it('are whole where they are longer than what is read at once, and where the last has no end', async () => {
    const lines = ['x'.repeat(200_000), '', '€'.repeat(70_000)];
    expect(await linesIn(lines.join('\n'))).toEqual(lines);
  });

  it('are none in a file without any', async () => {
    expect(await linesIn('')).toEqual([]);
  });
});
