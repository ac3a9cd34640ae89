import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CompactEncrypt, compactDecrypt, importJWK } from 'jose';
import { open, type Place, seal } from './envelope-encryption.js';
import { keyEncryptionKeyFrom, sealingKeysFrom } from './key-encryption-key.js';

const kek = { epoch: 1, key: randomBytes(32) };
const place: Place = {
  project_id: 'prj_1',
  environment: 'live',
  connection_id: 'c-1',
  field: 'access_token',
  version: 1,
};

describe('a secret in the vault', () => {
  it('comes back as it went in', () => {
    expect(open(kek, place, seal(kek, place, 'access-sandbox-123 ✓'))).toBe('access-sandbox-123 ✓');
  });

  it.each<Partial<Place>>([
    { project_id: 'prj_2' },
    { environment: 'test' },
    { connection_id: 'c-2' },
    { field: 'webhook_secret' },
    { version: 2 },
  ])('does not open in another place: %j', (other) => {
    const sealed = seal(kek, place, 'secret');
    expect(() => open(kek, { ...place, ...other }, sealed)).toThrow();
  });

  it('does not open when a single bit has changed, anywhere', () => {
    const sealed = seal(kek, place, 'secret');
    for (const part of ['ciphertext', 'wrapped_key'] as const) {
      for (let at = 0; at < sealed[part].length; at++) {
        const changed = Buffer.from(sealed[part]);
        changed[at]! ^= 1;
        expect(() => open(kek, place, { ...sealed, [part]: changed })).toThrow();
      }
    }
  });

  it('does not open with the data key of another secret', () => {
    const [one, two] = [seal(kek, place, 'one'), seal(kek, { ...place, connection_id: 'c-2' }, 'two')];
    expect(() => open(kek, place, { ...one, wrapped_key: two.wrapped_key })).toThrow();
  });

  it('opens in its own place alone: of 1,000 swaps of rows, ciphertexts or data keys none is taken', () => {
    const fields = ['credential', 'webhook_secret', 'refreshed 1'];
    const rows = Array.from({ length: 48 }, (_, n) => {
      const at: Place = {
        ...{ project_id: `prj_${n % 3}`, environment: n % 2 ? 'live' : 'test', connection_id: `c-${n >> 2}` },
        ...{ field: fields[(n >> 1) % 3]!, version: 1 + (n % 5) },
      };
      return { at, secret: `secret ${n}`, sealed: seal(kek, at, `secret ${n}`) };
    });
    for (const { at, secret, sealed } of rows) expect(open(kek, at, sealed)).toBe(secret);
    let taken = 0;
    for (let swap = 0; swap < 1_000; swap += 1) {
      const one = rows[swap % 48]!;
      const other = rows[(swap + 1 + (swap % 47)) % 48]!;
      const { epoch, wrapped_key, ciphertext } = other.sealed;
      const moved = [other.sealed, { ...one.sealed, ciphertext }, { ...one.sealed, epoch, wrapped_key }][swap % 3]!;
      try {
        open(kek, one.at, moved);
        taken += 1;
      } catch {
        // As it must be.
      }
    }
    expect(taken).toBe(0);
  });

  it('has a ciphertext of its own each time', () => {
    expect(seal(kek, place, 'same').ciphertext).not.toEqual(seal(kek, place, 'same').ciphertext);
  });
});

describe('the key-encryption key', () => {
  it('must be 32 bytes', () => {
    expect(() => keyEncryptionKeyFrom({ VAULT_KEK: 'c2hvcnQ=' })).toThrow('32 bytes');
    expect(() => keyEncryptionKeyFrom({})).toThrow('32 bytes');
  });

  it('gives every replica the same pair to seal to', async () => {
    const [one, two] = [sealingKeysFrom(kek), sealingKeysFrom({ ...kek })];
    const publicKey = await importJWK({ ...one.publicKey.export({ format: 'jwk' }), alg: 'ECDH-ES' });
    const jwe = await new CompactEncrypt(Buffer.from('{"token":"t"}'))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(publicKey);
    const { plaintext } = await compactDecrypt(jwe, two.privateKey);
    expect(Buffer.from(plaintext).toString()).toBe('{"token":"t"}');
  });
});
