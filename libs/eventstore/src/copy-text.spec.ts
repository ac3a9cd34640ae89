import { describe, expect, it } from '@jest/globals';
import { type Column, copyText } from './copy-text.js';

const columns: Column[] = [
  { name: 'id', kind: 'plain' },
  { name: 'tags', kind: 'array' },
  { name: 'data', kind: 'json' },
];
const line = (row: object) => copyText([row], columns);

describe('rows for copy', () => {
  it('are lines of fields in the order of the columns', () => {
    const rows = [
      { data: { b: [1, null] }, id: 'one', tags: ['x', 'y'] },
      { id: 7, tags: [], data: 'text' },
      { id: true, tags: ['"', '\\'], data: null },
    ];
    expect(copyText(rows, columns)).toBe(
      'one\t{"x","y"}\t{"b":[1,null]}\n7\t{}\t"text"\ntrue\t{"\\\\"","\\\\\\\\"}\t\\N\n',
    );
  });

  it('tell nothing from an empty text, and both from a text that looks like nothing', () => {
    expect(line({ id: '' })).toBe('\t\\N\t\\N\n');
    expect(line({ id: '\\N', tags: [''] })).toBe('\\\\N\t{""}\t\\N\n');
  });

  it('keep what separates fields and lines out of the fields', () => {
    expect(line({ id: 'a\tb\nc\rd', tags: ['\n'], data: { t: '\t"' } })).toBe(
      'a\\tb\\nc\\rd\t{"\\n"}\t{"t":"\\\\t\\\\""}\n',
    );
  });

  it.each([{ id: '\ud800' }, { id: 1.5 }, { id: {} }, { tags: 'x' }, { tags: [1] }, { tags: [['x']] }])(
    'are not promised for %j',
    (row) => expect(line(row)).toBeNull(),
  );

  it('leave broken text within JSON to the database, which refuses it', () => {
    expect(line({ id: 'x', data: '\ud800' })).toBe('x\t\\N\t"\\\\ud800"\n');
  });
});
