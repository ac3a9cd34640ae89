import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  base62,
  idOf,
  newShortId,
  parseId,
  parsePlatformConnectionId,
  platformConnectionId,
  sha256,
  shortIdOf,
  uuidV5,
} from './ids.js';
import { isHouseholdKey, isPlatformKey, keyPrefix, newHouseholdKey, newPlatformKey, newToken } from './secrets.js';

describe('ids', () => {
  it('are UUIDs of version 5 as RFC 9562 makes them', () => {
    expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });

  it('follow from the short_id, apart for each kind', () => {
    expect(idOf('user', 'abcdefgh')).toBe(idOf('user', 'abcdefgh'));
    expect(idOf('user', 'abcdefgh')).not.toBe(idOf('connection', 'abcdefgh'));
  });

  it('are read from a UUID in any case or from a short_id, and from nothing else', () => {
    const id = idOf('user', 'abcdefgh');
    expect(parseId('user', id.toUpperCase())).toBe(id);
    expect(parseId('user', 'abcdefgh')).toBe(id);
    for (const bad of ['', 'abcdefg', 'abcdefghi', 'abcdefg-', `${id}0`, id.slice(1), '../../etc', 'abcdefgh\n']) {
      expect(parseId('user', bad)).toBeNull();
    }
  });

  it('have short_ids of eight base62 characters', () => {
    for (let n = 0; n < 200; n++) expect(newShortId()).toMatch(/^[0-9A-Za-z]{8}$/);
    fc.assert(fc.property(fc.string(), (text) => /^[0-9A-Za-z]{8}$/.test(shortIdOf(sha256(text)))));
  });

  it('are written as conn_ and 22 digits on the platform surface, there and back', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        const written = platformConnectionId(id);
        return /^conn_[0-9A-Za-z]{22}$/.test(written) && parsePlatformConnectionId(written) === id;
      }),
    );
  });

  it('refuse what stands for more than 128 bits, and other shapes', () => {
    expect(parsePlatformConnectionId(`conn_${'z'.repeat(22)}`)).toBeNull();
    expect(parsePlatformConnectionId('conn_abc')).toBeNull();
    expect(parsePlatformConnectionId(idOf('connection', 'abcdefgh'))).toBeNull();
  });
});

describe('base62', () => {
  it('writes the most significant digit first, padded on the left', () => {
    expect(base62(Buffer.from([0]), 3)).toBe('000');
    expect(base62(Buffer.from([61]), 1)).toBe('z');
    expect(base62(Buffer.from([62]), 2)).toBe('10');
    expect(base62(Buffer.alloc(32, 255), 43)).toHaveLength(43);
  });
});

describe('keys', () => {
  it('of the household are bb_ and 43 digits', () => {
    const key = newHouseholdKey();
    expect(key).toHaveLength(46);
    expect(isHouseholdKey(key)).toBe(true);
    expect(keyPrefix(key)).toBe(key.slice(0, 11));
    expect(isHouseholdKey(key.slice(1))).toBe(false);
    expect(isHouseholdKey(`${key.slice(0, -1)}-`)).toBe(false);
  });

  it.each(['live', 'test'] as const)('of the platform (%s) are 41 characters with a checksum', (environment) => {
    const key = newPlatformKey(environment);
    expect(key).toHaveLength(41);
    expect(key.startsWith(`csk_${environment}_`)).toBe(true);
    expect(isPlatformKey(key)).toBe(true);
  });

  it('of the platform are refused when a character is mistyped', () => {
    const key = newPlatformKey('live');
    for (let at = 9; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a';
      expect(isPlatformKey(key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
    }
  });

  it('differ, as link tokens do', () => {
    expect(new Set(Array.from({ length: 1000 }, newToken)).size).toBe(1000);
    expect(newToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
