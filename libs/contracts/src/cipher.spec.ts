import { hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decrypt, encrypt } from './cipher.js';

const key = Buffer.alloc(32, 7);
const place = Buffer.from('where it belongs');

describe('what was sealed', () => {
  it('opens with the same key and the same additional data, and with no other', () => {
    const sealed = encrypt(key, Buffer.from('a secret ✓'), place);
    expect(decrypt(key, sealed, place).toString()).toBe('a secret ✓');
    expect(() => decrypt(Buffer.alloc(32, 8), sealed, place)).toThrow();
    expect(() => decrypt(key, sealed, Buffer.from('elsewhere'))).toThrow();
  });

  it('does not open when a byte of it has changed or is missing', () => {
    const sealed = encrypt(key, Buffer.from('a secret'), place);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => decrypt(key, changed, place)).toThrow();
      expect(() => decrypt(key, sealed.subarray(0, at), place)).toThrow();
    }
  });

  /** Each was sealed when the vault, the gateway and the Connect Links still had a copy each of this code. */
  it.each([
    {
      what: 'a credential',
      sealedWith: key,
      additionalData: 'where it belongs',
      sealed: 'Kdxaz8tqTsJjE2YBe5m5fs7LnMvWtYpzJ1zKik7Qt9j7FcuMKYb4Dg==',
      plain: 'a secret ✓',
    },
    {
      what: 'a kept reply',
      sealedWith: Buffer.from(hkdfSync('sha256', 'secret', 'scope', 'idempotent reply', 32)),
      additionalData: 'scope',
      sealed: 'MIDMABY5HpJdExa/dBt6NfmAJbvVo1ItzOuCa3UPNgKDYM/9pSAHtxI=',
      plain: '{"url":"✓"}',
    },
    {
      what: 'the verifier of a Connect Link',
      sealedWith: Buffer.from(hkdfSync('sha256', 's'.repeat(43), '', 'connect-link-verifier', 32)),
      additionalData: '["p","live","u","srv","https://app.example/done","https://us.example/back",null]',
      sealed: 'lHgOD_0eRTtQ7_uojmyxTvWgxq_beR5LsqTwEyjUtxI8scEHOsn8Zg',
      plain: 'the verifier',
    },
  ])('by an earlier version still opens: $what', ({ sealedWith, additionalData, sealed, plain }) => {
    expect(decrypt(sealedWith, Buffer.from(sealed, 'base64'), Buffer.from(additionalData)).toString()).toBe(plain);
  });
});
