import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { errors } from '#contracts/errors.js';

const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => readFileSync(join(__dirname, file), 'utf8'))
  .join('\n');
const named = (pattern: RegExp) => [...sources.matchAll(pattern)].map((match) => match[1]!.toUpperCase());

it("each code of the command line's own is explained in docs/errors.md", () => {
  const page = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8').split('\n# The command line\n')[1]!;
  const codes = [
    ...named(/CliError\(\s*'(\w+)'/g),
    ...named(/ fault\(\s*'(\w+)'/g),
    'OUTPUT_LOST',
    'CHECKPOINT',
    'UNKNOWN_KEY',
  ];
  expect(codes).toEqual(expect.arrayContaining(['UNREACHABLE', 'DRIFT', 'CUT', 'MOVED']));
  const own = codes.filter((code) => !Object.hasOwn(errors, code));
  expect(own.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
