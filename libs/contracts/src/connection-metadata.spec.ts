import { describe, expect, it } from '@jest/globals';
import { type Json, mergedMetadata, metadataFault } from './connection-metadata.js';

const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));

describe("an operator's metadata", () => {
  it('has at most 64 keys', () => {
    expect(metadataFault(keys(64))).toBeNull();
    expect(metadataFault(keys(65))).toMatch('64 keys');
  });

  it('has at most 32,768 bytes of UTF-8, not characters', () => {
    const overhead = JSON.stringify({ a: '' }).length;
    expect(metadataFault({ a: 'x'.repeat(32_768 - overhead) })).toBeNull();
    expect(metadataFault({ a: 'x'.repeat(32_769 - overhead) })).toMatch('32768 bytes');
    expect(metadataFault({ a: 'é'.repeat(16_379) })).toBeNull();
    expect(metadataFault({ a: 'é'.repeat(16_384) })).toMatch('32768 bytes');
  });

  it.each<Json>([{ a: 'x\0' }, { 'k\0': 1 }, { a: ['\ud800'] }, { a: '\\\0' }])(
    'does not hold what no database keeps: %j',
    (m) => expect(metadataFault(m)).toMatch('NUL'),
  );

  it.each<Json>([{ a: '\\u0000' }, { a: '😀' }, { a: null, b: [1.5, true, {}] }, { constructor: 1 }])('holds %j', (m) =>
    expect(metadataFault(m)).toBeNull(),
  );

  it('is merged key by key, and null removes', () => {
    expect(mergedMetadata({ a: 1, b: { c: 2 }, d: 3 }, { b: { e: 4 }, d: null, f: false, g: null })).toEqual({
      a: 1,
      b: { e: 4 },
      f: false,
    });
  });

  it('keeps a null that it was made with until a change names it', () => {
    expect(mergedMetadata({ a: null, b: 1 }, { b: 2 })).toEqual({ a: null, b: 2 });
    expect(mergedMetadata({ a: null, b: 1 }, { a: null })).toEqual({ b: 1 });
  });
});
