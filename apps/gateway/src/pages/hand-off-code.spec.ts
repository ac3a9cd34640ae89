import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { newToken } from '#contracts/secrets.js';
import { HandOffCodes } from './hand-off-code.js';

const { privateKey } = generateKeyPairSync('ed25519');
const codes = HandOffCodes.from(privateKey);
const noon = Date.parse('2026-01-01T12:00:00.000Z');

describe('a hand-off code', () => {
  it('carries the token to any gateway with the same key, for two minutes', () => {
    const token = newToken();
    const code = codes.seal(token, noon);
    expect(HandOffCodes.from(privateKey).open(code, noon + 119_000)).toBe(token);
    expect(codes.open(code, noon + 120_000)).toBeNull();
  });

  it('shows nothing of the token, and is another one each time', () => {
    const token = newToken();
    const [one, other] = [codes.seal(token), codes.seal(token)];
    expect(one).not.toContain(token.slice(0, 8));
    expect(one).not.toBe(other);
  });

  it('is refused when it was changed, made elsewhere, or is no code', () => {
    const code = codes.seal(newToken());
    const changed = (code.startsWith('A') ? 'B' : 'A') + code.slice(1);
    const foreign = HandOffCodes.from(generateKeyPairSync('ed25519').privateKey).seal(newToken());
    for (const wrong of [changed, foreign, '', 'x', 'A'.repeat(86), `${code}A`]) expect(codes.open(wrong)).toBeNull();
  });

  it('has one spelling, so that it cannot be used once in each of several', () => {
    const [token, letters] = [newToken(), 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    const code = codes.seal(token);
    const spellings = [...letters].map((last) => code.slice(0, -1) + last);
    expect(spellings).toHaveLength(64);
    expect(spellings.filter((spelling) => codes.open(spelling) !== null)).toEqual([code]);
  });
});
