import { describe, expect, it } from '@jest/globals';
import { createInterest } from './interest.js';
import { covers, isSubject } from './subjects.js';

describe('subjects', () => {
  it.each(['a', 'a.b', '*', '>', 'a.*.c', 'a.>', '_INBOX_key.x'])('%s is one', (subject) => {
    expect(isSubject(subject)).toBe(true);
  });
  it.each(['', '.', 'a.', '.a', 'a..b', '>.a', 'a.>.b'])('%j is none', (subject) => {
    expect(isSubject(subject)).toBe(false);
  });

  it.each([
    ['key.>', 'key.a', true],
    ['key.>', 'key.a.b', true],
    ['key.>', 'key.*', true],
    ['key.>', 'key.>', true],
    ['key.>', 'key', false],
    ['key.>', 'keys.a', false],
    ['key.>', '*.a', false],
    ['key.>', '>', false],
    ['key.>', 'key..a', false],
    ['key.*', 'key.a', true],
    ['key.*', 'key.*', true],
    ['key.*', 'key.>', false],
    ['key.*', 'key.a.b', false],
    ['key.a', 'key.a', true],
    ['key.a', 'key.*', false],
    ['*', '>', false],
  ])('%s covers %s: %s', (pattern, subject, expected) => {
    expect(covers(pattern, subject)).toBe(expected);
  });
});

describe('interest', () => {
  it('finds by literal and by wildcard, and forgets what was removed', () => {
    const interest = createInterest<{ subject: string }>();
    const all = ['a.b', 'a.*', 'a.>', '>', '*.b', 'a.b.c', 'b'].map((subject) => ({ subject }));
    all.forEach((subscription) => interest.add(subscription));
    const found = (subject: string) =>
      interest
        .of(subject)
        .map((subscription) => subscription.subject)
        .sort();
    expect(found('a.b')).toEqual(['*.b', '>', 'a.*', 'a.>', 'a.b']);
    expect(found('a')).toEqual(['>']);
    expect(found('a.b.c')).toEqual(['>', 'a.>', 'a.b.c']);
    expect(found('a.*')).toEqual(['>', 'a.*', 'a.>']);
    for (const subscription of all.slice(0, 4)) interest.remove(subscription);
    expect(found('a.b')).toEqual(['*.b']);
    expect(found('a.b.c')).toEqual(['a.b.c']);
  });
});
