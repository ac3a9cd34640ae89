import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

const root = join(__dirname, '../../..');
const target = 'dist/apps/one/src/one.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-transpile-'));
  cpSync(join(root, 'scripts/transpile.mjs'), join(dir, 'scripts/transpile.mjs'));
  for (const folder of ['apps/one/src', 'libs']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'apps/one/src/one.ts'), 'export const one: number = 1;\n');
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const transpile = () => spawnSync(process.execPath, [join(dir, 'scripts/transpile.mjs')], { encoding: 'utf8' });

it('a start writes only what differs, and takes away what has no source any more', () => {
  expect(transpile()).toMatchObject({ status: 0, stderr: '' });
  const writtenAt = statSync(join(dir, target)).mtimeMs;
  writeFileSync(join(dir, 'dist/apps/one/src/gone.js'), '');
  writeFileSync(join(dir, 'dist/apps/one/src/kept.txt'), '');
  expect(transpile()).toMatchObject({ status: 0, stderr: '' });
  expect(statSync(join(dir, target)).mtimeMs).toBe(writtenAt);
  expect(['gone.js', 'kept.txt'].map((name) => existsSync(join(dir, 'dist/apps/one/src', name)))).toEqual([
    false,
    true,
  ]);
});

it('a start without what it builds with says how to install it', () => {
  rmSync(join(dir, 'node_modules'));
  const sentence = 'npm start builds first: install with npm ci --include=dev.\n';
  expect(transpile()).toMatchObject({ status: 1, stderr: sentence });
});

it('a start that cannot write its code says so in a sentence', () => {
  writeFileSync(join(dir, 'dist'), '');
  const { status, stderr } = transpile();
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^dist cannot be made by this user \(.*dist.*\): .*\n$/)]);
});
