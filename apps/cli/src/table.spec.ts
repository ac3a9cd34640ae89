import { describe, expect, it } from '@jest/globals';
import { fields, table } from './table.js';

describe('a table', () => {
  it('gives each column the width it needs and leaves blank what is not there', () => {
    const rows = [
      { name: 'a long name', owner: { name: 'Ada' } },
      { name: 'b', owner: null },
    ];
    expect(table(rows, ['name', 'owner.name'])).toBe('NAME         OWNER.NAME\na long name  Ada\nb');
  });

  it('lets nothing of what others wrote steer the terminal', () => {
    expect(table([{ label: 'red\u001b[31m\nnext' }], ['label'])).toBe('LABEL\nred [31m next');
    expect(fields({ label: '\u009b31m' })).toBe('label   31m');
  });
});

describe('one thing', () => {
  it('is a line per field that says something', () => {
    expect(fields({ id: '1', label: '', nothing: null, single_use: false, ids: ['a', 'b'] })).toBe(
      'id          1\nsingle_use  false\nids         ["a","b"]',
    );
  });
});
