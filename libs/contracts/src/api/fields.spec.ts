import { expect, it } from '@jest/globals';
import { auditQuery } from './audit.js';
import { createKeyBody } from './api-keys.js';
import { asOfQuery, moment, toUtc } from './fields.js';
import { createUserBody } from './users.js';

it.each([
  ['2028-02-29T23:59:59Z', '2028-02-29T23:59:59.000Z'],
  ['2026-11-07t05:31:56.12+02:00', '2026-11-07T03:31:56.120Z'],
])('takes the moment %s as %s', (value, utc) => {
  expect(moment.parse(value)).toBe(utc);
  expect(asOfQuery.parse({ as_of: value })).toEqual({ as_of: { time: utc } });
});

it.each([
  ['2026-11-07T05:31:56.166001Z', '2026-11-07T05:31:56.167Z'],
  ['2026-11-07T05:31:56.999999+01:00', '2026-11-07T04:31:57.000Z'],
  ['2026-11-07T05:31:56.166000Z', '2026-11-07T05:31:56.166Z'],
])('takes the bound %s for the first millisecond that is not before it', (value, utc) => {
  expect(moment.parse(value)).toBe(utc);
});

it('takes a leap second for the end of the second before it', () => {
  expect(toUtc('2016-12-31T23:59:60Z')).toBe('2016-12-31T23:59:59.999Z');
  expect(toUtc('2017-01-01T00:59:60.5+01:00')).toBe('2016-12-31T23:59:59.999Z');
  expect(toUtc('2016-12-31T23:60:00Z')).toBeNull();
});

it('knows no bound behind the last year', () => {
  expect(moment.safeParse('9999-12-31T23:59:59.999999Z').success).toBe(false);
});

it.each([
  ...['2026-02-30T00:00:00Z', '2026-02-29T00:00:00+02:00', '2026-04-31T00:00:00Z', '2026-13-01T00:00:00Z'],
  ...['2026-01-01T24:00:00Z', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'],
])('refuses %s, which no calendar or no database has', (value) => {
  expect(moment.safeParse(value).success).toBe(false);
  expect(asOfQuery.safeParse({ as_of: value }).success).toBe(false);
});

it('says in a sentence which orders there are', () => {
  expect(auditQuery.safeParse({ order: 'zz' }).error?.issues[0]?.message).toBe('must be "asc" or "desc"');
});

it('takes what is empty for not given', () => {
  expect([{}, { order: '' }, { order: 'asc' }].map((query) => auditQuery.parse(query).order)).toEqual([
    'desc',
    'desc',
    'asc',
  ]);
  expect(auditQuery.safeParse({ order: 'newest' }).success).toBe(false);
  const actor = (actor_name?: string | null) => createKeyBody.parse({ name: 'k', actor_name }).actor_name;
  expect([actor(), actor(null), actor(''), actor('  '), actor(' Ada ')]).toEqual([null, null, null, null, 'Ada']);
  expect(createKeyBody.safeParse({ name: 'k', actor_name: 'x'.repeat(81) }).success).toBe(false);
});

it('keeps an address with each letter in one spelling', () => {
  const address = 'ren\u00e9@example.com';
  expect(createUserBody.parse({ name: 'René', email: address.normalize('NFD') }).email).toBe(address);
});
