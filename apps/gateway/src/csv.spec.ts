import { describe, expect, it } from '@jest/globals';
import type { ExportLine } from '#contracts/audit-chain.js';
import { csvHead, csvRecord } from './csv.js';

const line = (label: string | null): ExportLine => ({
  position: '7',
  id: 'i',
  at: '2026-11-07T05:31:56.000Z',
  type: 'KeyCreated',
  project_id: 'p',
  environment: 'live',
  subject: { kind: 'api_key', id: 's', short_id: null },
  actor: { type: 'operator', id: 'o', name: 'o' },
  label,
  sealed_label: null,
  request_id: 'r',
  origin: { address: null, key_prefix: null, correlation_id: 'r', causation_id: 'c' },
  data: { a: 'b' },
  seq: 1,
  hash: 'h',
  opened: { summary: 'It was created.' },
});

describe('an entry as CSV', () => {
  it('has a cell for each column, empty for what is not there', () => {
    expect(csvHead.trimEnd().split(',')).toHaveLength(18);
    expect(csvRecord(line(null))).toBe(
      '1,7,i,2026-11-07T05:31:56.000Z,KeyCreated,api_key,s,,,It was created.,operator,o,o,r,,,"{""a"":""b""}",h\r\n',
    );
  });

  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"\nand y', '"say ""x""\nand y"'],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@sum', "'@sum"],
    ['\tx', "'\tx"],
    ["x;=cmd|'/c calc'!A1;", "x;'=cmd|'/c calc'!A1;"],
    ['x\t@sum\n-1', `"x\t'@sum\n'-1"`],
    ['x;"=1', `"x;'""=1"`],
    ['x; y\n\nz', '"x; y\n\nz"'],
  ])('writes %j as %s', (label, written) => {
    expect(csvRecord(line(label))).toContain(`,s,,${written},It was created.,`);
  });

  it('says the same in JSON where a cell could begin within it', () => {
    const record = csvRecord({ ...line(null), data: { a: 'x;=1;y' } });
    expect(record).toContain('"{""a"":""x\\u003b=1;y""}"');
  });
});
