import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { logger } from '#service/logger.js';
import { open, type EncryptionContext, seal } from './envelope-encryption.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';

const newKey = () => randomBytes(32).toString('base64');
const context: EncryptionContext = {
  project_id: 'p',
  environment: 'live',
  connection_id: 'c',
  field: 'credential',
  version: 1,
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'key-ring-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('key-encryption keys', () => {
  it('are one, of the first epoch, or several, of which the newest is current', () => {
    const one = new KeyRing({ VAULT_KEK: `${newKey()}\n` });
    expect([one.current(), one.epochs()]).toEqual([1, [1]]);
    const three = new KeyRing({ VAULT_KEK: `10:${newKey()} 2:${newKey()},\n3:${newKey()}` });
    expect([three.current(), three.epochs()]).toEqual([10, [2, 3, 10]]);
  });

  it('can be held at an epoch until every replica knows the newer one', () => {
    const VAULT_KEK = `1:${newKey()},2:${newKey()}`;
    expect(new KeyRing({ VAULT_KEK, VAULT_KEK_CURRENT: 1 }).current()).toBe(1);
    expect(() => new KeyRing({ VAULT_KEK, VAULT_KEK_CURRENT: 3 })).toThrow('no key of epoch 3');
  });

  it.each([['c2hvcnQ='], [''], [undefined], [`0:${newKey()}`], [`x:${newKey()}`], [`1:${newKey()},2:short`]])(
    'are refused as %s',
    (VAULT_KEK) => {
      expect(() => new KeyRing({ VAULT_KEK })).toThrow('32 bytes');
    },
  );

  it('are refused when two claim one epoch', () => {
    expect(() => new KeyRing({ VAULT_KEK: `${newKey()},1:${newKey()}` })).toThrow('epoch 1 stands there twice');
  });

  it('that were added to the file are found when something is under them, without a restart', async () => {
    const file = join(dir, 'vault.key');
    writeFileSync(file, newKey());
    const [writer, reader] = [new KeyRing({ VAULT_KEK_FILE: file }), new KeyRing({ VAULT_KEK_FILE: file })];
    appendFileSync(file, `\n2:${newKey()}\n`);
    writer.reload();
    const sealed = await seal(writer, context, 'secret');
    expect(sealed.epoch).toBe(2);
    expect(await open(reader, context, sealed)).toBe('secret');
    writeFileSync(file, 'nonsense');
    expect(() => reader.reload()).toThrow('32 bytes');
    expect(await open(reader, context, sealed)).toBe('secret');
  });

  it('that were replaced in the file are refused, and the ones that are there go on', async () => {
    const file = join(dir, 'replaced.key');
    writeFileSync(file, newKey());
    const ring = new KeyRing({ VAULT_KEK_FILE: file });
    const sealed = await seal(ring, context, 'secret');
    writeFileSync(file, `${newKey()} 2:${newKey()}`);
    expect(() => ring.reload()).toThrow('epoch 1 has got another key');
    expect([await open(ring, context, sealed), ring.epochs()]).toEqual(['secret', [1]]);
  });

  it('that were taken out of the file too early still open what is to move away from them', async () => {
    const file = join(dir, 'taken-out.key');
    writeFileSync(file, newKey());
    const ring = new KeyRing({ VAULT_KEK_FILE: file });
    const sealed = await seal(ring, context, 'secret');
    writeFileSync(file, `2:${newKey()}`);
    ring.reload();
    expect([await open(ring, context, sealed), ring.epochs(), ring.current()]).toEqual(['secret', [1, 2], 2]);
  });

  it('seal nothing any more once they were taken out, also the newest one', async () => {
    const file = join(dir, 'newest.key');
    const first = newKey();
    writeFileSync(file, `1:${first} 2:${newKey()}`);
    const ring = new KeyRing({ VAULT_KEK_FILE: file });
    const sealed = await seal(ring, context, 'secret');
    writeFileSync(file, first);
    ring.reload();
    expect([await open(ring, context, sealed), ring.epochs(), ring.current()]).toEqual(['secret', [1, 2], 1]);
  });

  it.each(['', 'nonsense', `2:${newKey()}`])(
    'are away, and nothing is wrong with what they seal, while their file holds %j',
    (text) => {
      const file = join(dir, 'written.key');
      writeFileSync(file, newKey());
      const ring = new KeyRing({ VAULT_KEK_FILE: file, VAULT_KEK_CURRENT: 1 });
      writeFileSync(file, text);
      expect(() => ring.sealingPair(2)).toThrow(expect.objectContaining({ code: 'VAULT_UNAVAILABLE' }));
    },
  );
});

describe('a start', () => {
  const startWith = (counts: object[]) => {
    const query = (text: string) => Promise.resolve(text.includes('count(*)') ? counts : []);
    return rotationOn(query).onApplicationBootstrap();
  };
  const rotationOn = (query: (text: string) => Promise<object[]>) =>
    new KeyRotation(new KeyRing({ VAULT_KEK: `2:${newKey()}` }), { query } as unknown as DataSource);

  it('is refused without the key of an epoch that is still needed, and names it', async () => {
    const counts = [1, 2, 7].map((epoch) => ({ epoch, entries: epoch * 3 }));
    await expect(startWith(counts)).rejects.toThrow('epoch 1 (3 credentials), epoch 7 (21 credentials)');
  });

  /** What the vault holds: credentials sealed with these keys. */
  const startOver = async (sealedWith: KeyRing[], own: KeyRing) => {
    const rows = await Promise.all(
      sealedWith.map(async (keys) => ({ ...context, ...(await seal(keys, context, 'x')) })),
    );
    const of = (epoch: unknown) => rows.filter((row) => row.epoch === epoch);
    const counts = [1, 2].map((epoch) => ({ epoch, entries: of(epoch).length })).filter(({ entries }) => entries > 0);
    const query = (text: string, values: unknown[]) =>
      Promise.resolve(text.includes('count(*)') ? counts : text.includes('epoch = $7') ? of(values[6]) : []);
    const rotation = new KeyRotation(own, { query } as unknown as DataSource);
    await rotation.onApplicationBootstrap();
    await rotation.onApplicationShutdown();
  };
  const ring = () => new KeyRing({ VAULT_KEK: `2:${newKey()}` });

  it('is refused with another key of the same epoch, and says what to do', async () => {
    const [right, other] = [ring(), ring()];
    await expect(startOver([right, right], other)).rejects.toThrow(
      'VAULT_KEK: the key given is not the one that the credentials of epoch 2 (2 credentials) are under; put back',
    );
  });

  it('goes on when what a rotation has left behind does not open: new credentials are under another key', async () => {
    const keys = [newKey(), newKey()];
    const [own, old] = [`1:${keys[0]},2:${keys[1]}`, `1:${newKey()}`].map((VAULT_KEK) => new KeyRing({ VAULT_KEK }));
    await startOver([old!, own!], own!);
  });

  it('goes on when only some data keys do not open: somebody has changed those rows', async () => {
    const [right, other] = [ring(), ring()];
    await startOver([other, right], right);
  });

  it('adds up a table that is larger than one statement can count', async () => {
    const ends = [{ version: 1 }, { version: 2 }];
    const query = (text: string) =>
      Promise.resolve(
        text.includes('count(*)') ? [{ epoch: 1, entries: 5 }] : text.includes('offset') ? ends.splice(0, 1) : [],
      );
    await expect(rotationOn(query).onApplicationBootstrap()).rejects.toThrow('epoch 1 (15 credentials)');
  });

  it.each([
    ['not at all where there is no other epoch', `2:${newKey()}`, 0],
    ['once where there is one', `1:${newKey()},2:${newKey()}`, 1],
  ])('goes through the vault for credentials to move %s', async (_how, VAULT_KEK, times) => {
    let stretches = 0;
    const query = (text: string) => Promise.resolve(text.includes('offset') ? (stretches++, []) : []);
    const rotation = new KeyRotation(new KeyRing({ VAULT_KEK }), { query } as unknown as DataSource);
    await rotation.onApplicationBootstrap();
    await rotation.onApplicationShutdown();
    const counted = 1;
    expect(stretches - counted).toBe(times);
  });

  it('waits for no database that has too much to do to count', async () => {
    logger.level = 'silent';
    const rotation = rotationOn(() => Promise.reject(new Error('canceling statement due to statement timeout')));
    await rotation.onApplicationBootstrap();
    await rotation.onApplicationShutdown();
  });
});
