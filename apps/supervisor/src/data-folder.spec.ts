import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDataFolder, removeDataFolder } from './data-folder.js';
import { shelterOf } from './postgres-account.js';
import { StartError } from './start-error.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A data folder whose database is in the shelter of `owner`. */
function folder(name: string, owner = name) {
  const [dataDir, shelter, theirs] = [join(dir, name), ...[name, owner].map((one) => shelterOf(join(dir, one), dir))];
  mkdirSync(dataDir);
  mkdirSync(join(theirs!, 'home', 'postgres'), { recursive: true });
  symlinkSync(join(theirs!, 'home', 'postgres'), join(dataDir, 'postgres'));
  return { dataDir, shelter: shelter!, theirs: theirs! };
}

describe('a data folder that is opened', () => {
  it('says in a sentence that it cannot be written', () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    expect(() => openDataFolder(file)).toThrow(new StartError(`DATA_DIR ${file} cannot be written: EEXIST`));
    expect(() => openDataFolder(join(file, 'data'))).toThrow(/^DATA_DIR .* cannot be written: ENOTDIR$/);
  });
});

describe('a data folder that is removed', () => {
  it('takes its sheltered database with it', () => {
    const { dataDir, shelter } = folder('data');
    expect(removeDataFolder(dataDir, shelter)).toEqual({ others: [] });
    expect([dataDir, shelter].map((path) => existsSync(path))).toEqual([false, false]);
  });

  it('leaves the database of the folder that it is a copy of, and says so', () => {
    const { dataDir, shelter, theirs } = folder('copy', 'data');
    expect(removeDataFolder(dataDir, shelter)).toEqual({ database: join(theirs, 'home', 'postgres'), others: [] });
    expect([dataDir, theirs].map((path) => existsSync(path))).toEqual([false, true]);
  });

  it('stays with what somebody else keeps there', () => {
    const theirs = ['logs.zip', 'postgres.yml', 'run.jsonl', 'secrets.tar.gz', 'work'];
    for (const name of ['secrets', 'logs', 'postgres.new', 'work']) mkdirSync(join(dir, name));
    for (const name of ['run.json', 'run.json.7', 'run.json.7.old', 'sandbox-bank.json', 'sandbox-bank.json.oauth'])
      writeFileSync(join(dir, name), '');
    for (const name of theirs.slice(0, -1)) writeFileSync(join(dir, name), '');
    expect(removeDataFolder(dir)).toEqual({ others: theirs });
    expect(readdirSync(dir).sort()).toEqual(theirs);
  });

  it('may be a link to a disk of its own', () => {
    const [disk, link] = [join(dir, 'disk'), join(dir, 'link')];
    mkdirSync(join(disk, 'secrets'), { recursive: true });
    symlinkSync(disk, link);
    expect(removeDataFolder(link)).toEqual({ others: [] });
    expect([readdirSync(disk), existsSync(link)]).toEqual([[], false]);
  });

  it('may be one that was never made', () => {
    expect(removeDataFolder(join(dir, 'none'))).toEqual({ others: [] });
  });
});
