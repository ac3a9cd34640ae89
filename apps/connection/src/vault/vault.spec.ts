import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { sealerTo } from '#service/sealed.js';
import { open, type EncryptionContext, rewrap, seal } from './envelope-encryption.js';
import { KeyRing } from './key-ring.js';
import { Vault } from './vault.service.js';

const newKey = () => randomBytes(32).toString('base64');
const keys = [newKey(), newKey(), newKey()].map((key, index) => `${index + 1}:${key}`);
/** The ring when it has come to this epoch: it still knows those before. */
const ringAt = (epoch: number) => new KeyRing({ VAULT_KEK: keys.slice(0, epoch).join(',') });
const ring = ringAt(1);
const context: EncryptionContext = {
  project_id: 'prj_1',
  environment: 'live',
  connection_id: 'c-1',
  field: 'access_token',
  version: 1,
};

describe('a secret in the vault', () => {
  it('comes back as it went in', async () => {
    expect(await open(ring, context, await seal(ring, context, 'access-sandbox-123 ✓'))).toBe('access-sandbox-123 ✓');
  });

  it.each<Partial<EncryptionContext>>([
    { project_id: 'prj_2' },
    { environment: 'test' },
    { connection_id: 'c-2' },
    { field: 'webhook_secret' },
    { version: 2 },
  ])('does not open in another place: %j', async (other) => {
    const sealed = await seal(ring, context, 'secret');
    await expect(open(ring, { ...context, ...other }, sealed)).rejects.toThrow();
  });

  it('does not open when a single bit has changed, anywhere', async () => {
    const sealed = await seal(ring, context, 'secret');
    for (const part of ['ciphertext', 'wrapped_key'] as const) {
      for (let at = 0; at < sealed[part].length; at++) {
        const changed = Buffer.from(sealed[part]);
        changed[at]! ^= 1;
        await expect(open(ring, context, { ...sealed, [part]: changed })).rejects.toThrow();
      }
    }
  });

  it('does not open with the data key of another secret', async () => {
    const other = { ...context, connection_id: 'c-2' };
    const [one, two] = [await seal(ring, context, 'one'), await seal(ring, other, 'two')];
    await expect(open(ring, context, { ...one, wrapped_key: two.wrapped_key })).rejects.toThrow();
  });

  it('has a ciphertext of its own each time', async () => {
    expect((await seal(ring, context, 'same')).ciphertext).not.toEqual((await seal(ring, context, 'same')).ciphertext);
  });

  it('refuses all of a thousand swaps: between places, versions and epochs, whole or in part (I15)', async () => {
    const places = ['prj_1', 'prj_2'].flatMap((project_id) =>
      ['c-1', 'c-2'].flatMap((connection_id) =>
        ['credential', 'webhook_secret'].flatMap((field) =>
          [1, 2].map((version) => ({ ...context, project_id, connection_id, field, version })),
        ),
      ),
    );
    const entries = await Promise.all(
      places.flatMap((at) => [1, 2, 3].map(async (epoch) => ({ at, sealed: await seal(ringAt(epoch), at, 'secret') }))),
    );
    const all = ringAt(3);
    let refused = 0;
    for (const [n, mine] of entries.entries()) {
      expect(await open(all, mine.at, mine.sealed)).toBe('secret');
      for (let step = 1; step <= 7; step++) {
        const other = entries[(n + step * 5) % entries.length]!.sealed;
        const { epoch, wrapped_key, ciphertext } = other;
        for (const swapped of [other, { ...mine.sealed, ciphertext }, { ...mine.sealed, epoch, wrapped_key }]) {
          await expect(open(all, mine.at, swapped)).rejects.toThrow();
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a data key', () => {
  it('comes under a newer epoch while the secret stays as it is', async () => {
    const old = await seal(ringAt(1), context, 'secret');
    const moved = await rewrap(ringAt(2), context, old);
    expect(moved.epoch).toBe(2);
    const onlyNew = new KeyRing({ VAULT_KEK: keys[1] });
    expect(await open(onlyNew, context, { ...moved, ciphertext: old.ciphertext })).toBe('secret');
    await expect(open(onlyNew, context, old)).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
  });

  it('does not open as if it were of another epoch', async () => {
    const old = await seal(ringAt(1), context, 'secret');
    const same = new KeyRing({ VAULT_KEK: `${keys[0]},2:${keys[0]!.slice(2)}` });
    await expect(open(same, context, { ...old, epoch: 2 })).rejects.toThrow();
  });
});

describe('the pair that the edge seals to', () => {
  const vaultWith = (keks: KeyRing) => new Vault(keks, {} as DataSource);
  const token = JSON.stringify({ token: 't' });

  it('is the same at every replica, and the one before still opens after a rotation', () => {
    const before = sealerTo(vaultWith(ringAt(1)).publicJwk())(token);
    const after = sealerTo(vaultWith(ringAt(2)).publicJwk())(token);
    expect(vaultWith(ringAt(1)).unseal(before)).toBe('t');
    expect(vaultWith(ringAt(2)).unseal(before)).toBe('t');
    expect(vaultWith(ringAt(2)).unseal(after)).toBe('t');
  });

  it('opens nothing that is none of its own', () => {
    const foreign = sealerTo(vaultWith(new KeyRing({ VAULT_KEK: `1:${newKey()}` })).publicJwk())(token);
    for (const jwe of [foreign, 'nonsense', '', `${Buffer.from('{"kid":"x"}').toString('base64url')}....`]) {
      expect(() => vaultWith(ring).unseal(jwe)).toThrow('could not be opened');
    }
  });

  it.each([
    ['that is not here yet', 2, 1],
    ['that is gone', 1, 2],
  ])('has the caller try again where the text needs a key %s', (_which, sealedIn, known) => {
    const sealed = sealerTo(vaultWith(ringAt(sealedIn)).publicJwk())(token);
    const vault = vaultWith(new KeyRing({ VAULT_KEK: keys[known - 1] }));
    expect(() => vault.unseal(sealed)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  });
});
