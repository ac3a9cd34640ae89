import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { compactDecrypt, CompactEncrypt, importJWK } from 'jose';
import { openerWith, sealerTo } from './sealed.js';

const { publicKey, privateKey } = generateKeyPairSync('x25519');
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one' };
const seal = sealerTo(jwk);
const open = openerWith(privateKey);

describe('a sealed text', () => {
  it('opens as it was, and looks another way each time', () => {
    expect([seal('ключ ✓'), seal('')].map(open)).toEqual(['ключ ✓', '']);
    expect(seal('same')).not.toBe(seal('same'));
  });

  it('is opened by a library, and opens what a library has sealed', async () => {
    const { plaintext, protectedHeader } = await compactDecrypt(seal('text'), privateKey);
    expect([Buffer.from(plaintext).toString(), protectedHeader.kid]).toEqual(['text', 'one']);
    const jwe = await new CompactEncrypt(Buffer.from('from outside'))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(await importJWK(jwk, 'ECDH-ES'));
    expect(open(jwe)).toBe('from outside');
  });

  it('does not open when any of it has changed, or with another key', () => {
    const sealed = seal('secret');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'Q' : 'A') + sealed.slice(at + 1);
      expect(() => open(changed)).toThrow();
    }
    expect(() => openerWith(generateKeyPairSync('x25519').privateKey)(sealed)).toThrow();
    for (const wrong of ['', '....', `${sealed}.x`, sealed.slice(0, -4)]) expect(() => open(wrong)).toThrow();
  });

  it('has a nonce of its own each time', () => {
    const nonces = Array.from({ length: 1_000 }, () => seal('x').split('.')[2]);
    expect(new Set(nonces).size).toBe(1_000);
  });
});
