import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openDataFolder, removeDataFolder } from './data-folder.js';
import { shelterOf } from './postgres-account.js';
import { StartError } from './start-error.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-folder-'));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

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

  const secrets = () => join(dir, 'secrets');
  const key = () => join(secrets(), 'vault.key');
  const withKey = () => {
    mkdirSync(secrets(), { mode: 0o700 });
    writeFileSync(key(), 'planted', { mode: 0o600 });
  };
  /** Only root can give files away; anybody else takes the place of another user. */
  const giveAway = (path: string) => {
    const own = process.getuid!();
    if (own === 0) lchownSync(path, 65_534, 65_534);
    else jest.spyOn(process, 'getuid').mockReturnValue(own + 1);
  };

  it.each<[string, () => void, RegExp]>([
    [
      'of a folder of another user',
      () => giveAway(secrets()),
      /secrets belongs to user \d+, .*chown -Rh \d+ '.*secrets'/,
    ],
    ['that another user has put there', () => giveAway(key()), /belongs to user \d+/],
    [
      'of a folder that others may write to',
      () => chmodSync(secrets(), 0o720),
      /secrets can be changed by other users/,
    ],
    [
      'that others may change',
      () => {
        chmodSync(secrets(), 0o711);
        chmodSync(key(), 0o602);
      },
      /vault.key can be changed by other users/,
    ],
    [
      "behind another user's link",
      () => {
        rmSync(secrets(), { recursive: true });
        mkdirSync(join(dir, 'elsewhere'), { mode: 0o700 });
        symlinkSync(join(dir, 'elsewhere'), secrets());
        giveAway(secrets());
      },
      /secrets belongs to user \d+/,
    ],
  ])('takes no keys %s', (_name, plant, message) => {
    withKey();
    plant();
    expect(() => openDataFolder(dir)).toThrow(message);
    expect(() => openDataFolder(dir)).toThrow(StartError);
  });

  it('may be a link to a folder that a group shares, with a key that a careless editor left open in a closed folder', () => {
    withKey();
    chmodSync(key(), 0o664);
    symlinkSync(join(dir, 'gone'), join(secrets(), 'dangling'));
    chmodSync(dir, 0o775);
    const link = `${dir}-link`;
    symlinkSync(dir, link);
    try {
      expect(openDataFolder(link).read('vault.key')).toBe('planted');
    } finally {
      rmSync(link);
    }
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

  it('stays, empty, where it is not for us to take, as a mount point or in a folder of root', () => {
    const data = join(dir, 'data');
    const isRoot = process.getuid!() === 0;
    mkdirSync(join(data, 'secrets'), { recursive: true });
    if (isRoot) [data, join(data, 'secrets')].forEach((path) => chownSync(path, 65_534, 65_534));
    chmodSync(dir, 0o555);
    if (isRoot) process.seteuid!(65_534);
    try {
      expect(removeDataFolder(data)).toEqual({ others: [] });
    } finally {
      if (isRoot) process.seteuid!(0);
      chmodSync(dir, 0o700);
    }
    expect(readdirSync(data)).toEqual([]);
  });

  it('may be one that was never made', () => {
    expect(removeDataFolder(join(dir, 'none'))).toEqual({ others: [] });
  });
});
