import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, errors, isCoded, platformCode } from './errors.js';

const page = readFileSync(join(__dirname, '../../../docs/errors.md'), 'utf8');

/** Each chapter of the page's first part: its code, then its status and its name on /v1, then the two sentences. */
const chapters = page
  .split(/^# /m)[1]!
  .split(/^## /m)
  .slice(1)
  .map((chapter) => {
    const [, code, status, v1, what, todo] =
      /^(\w+)\n\n(\d+) · on `\/v1` `(\w+)`\n\n\*\*What happened\.\*\* (.+?)\n\n\*\*What to do\.\*\* (.+?)\n*$/s.exec(
        chapter,
      ) ?? [];
    return { code, status: Number(status), v1, isExplained: Boolean(what && todo) };
  });

describe('docs/errors.md', () => {
  it('explains every code a caller can see, with its status and its name on /v1, in the order of the list', () => {
    const codes = (Object.keys(errors) as ErrorCode[]).filter((code) => code !== 'ID_TAKEN');
    const expected = codes.map((code) => ({
      code,
      status: errors[code].status,
      v1: platformCode(code),
      isExplained: true,
    }));
    expect(chapters).toEqual(expected);
  });
});

describe('a coded error', () => {
  it('is recognised also as plain data', () => expect(isCoded({ code: 'NOT_FOUND', message: 'x' })).toBe(true));

  it.each([null, 'NOT_FOUND', new Error('x'), { code: 'ECONNRESET', message: 'x' }, { code: 'NOT_FOUND' }])(
    'is not %p',
    (value) => expect(isCoded(value)).toBe(false),
  );
});
