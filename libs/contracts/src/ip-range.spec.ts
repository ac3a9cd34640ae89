import { describe, expect, it } from '@jest/globals';
import { isWithin, parseRange } from './ip-range.js';

describe('a range of addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1/128'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::FFFF:A00:1', '10.0.0.1/32'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, canonical) => expect(parseRange(text)).toBe(canonical));

  it.each([
    '',
    'home',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0/8',
    '010.0.0.1/8',
    '256.0.0.1',
    '2001:db8::/129',
    '2001:db8:::/32',
    'fe80::1%eth0/64',
    '::ffff:10.0.0.0/95',
    '10.0.0.0/8 ',
    '10.0.0.0/8/8',
  ])('is not %p', (text) => expect(parseRange(text)).toBeNull());

  it('is no endless text', () => expect(parseRange('1'.repeat(100_000))).toBeNull());

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['10.9.9.9/8', '10.1.2.3', true],
    ['192.168.1.1', '192.168.1.2', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '1.2.3.4', false],
    ['2001:db8::/32', '2001:DB8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', 'unix:/run/x', false],
  ])('%s holds %s: %s', (range, address, holds) => expect(isWithin([range])(address)).toBe(holds));

  it('is one of several', () => {
    const allowed = isWithin(['10.0.0.0/8', '2001:db8::/32']);
    expect(['10.0.0.1', '2001:db8::5', '192.0.2.1'].map(allowed)).toEqual([true, true, false]);
  });
});
