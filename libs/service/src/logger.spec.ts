import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { plainError } from './logger.js';
import { fromSetting } from './settings-error.js';

const thrownBy = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('an error in the log', () => {
  it('has nothing of what a statement would have written', () => {
    const refusal = Object.assign(new DatabaseError('null value in column "short_id"', 0, 'error'), {
      code: '23502',
      detail: 'Failing row contains (canary).',
    });
    const failed = new QueryFailedError('insert into users values ($1)', ['canary'], refusal);
    const logged = [refusal, failed].map((error) => JSON.stringify(plainError(error)));
    for (const text of logged) {
      expect(text).toContain('null value in column');
      expect(text).toContain('23502');
      expect(text).not.toContain('canary');
    }
  });

  it('says what it was caused by, and what several it stands for', () => {
    const away = new DomainError('UNAVAILABLE', 'key is away', undefined, { cause: new Error('no responders') });
    expect(plainError(away)).toMatchObject({ type: 'DomainError', message: 'key is away: no responders' });
    const refused = new AggregateError([new Error('refused at ::1'), new Error('refused at 127.0.0.1')]);
    expect(plainError(refused)).toMatchObject({ errors: ['Error: refused at ::1', 'Error: refused at 127.0.0.1'] });
  });

  it('says once why a setting is wrong', () => {
    const open = () => fromSetting('K_FILE', () => readFileSync('/no/such/file'));
    expect(plainError(thrownBy(open))).toMatchObject({
      message: "K_FILE: ENOENT: no such file or directory, open '/no/such/file'",
    });
  });

  it.each([
    ['a text', 'a text'],
    [null, 'null'],
    [7, '7'],
  ])('may be what is none: %p', (thrown, message) => {
    expect(plainError(thrown)).toEqual({ message });
  });
});
