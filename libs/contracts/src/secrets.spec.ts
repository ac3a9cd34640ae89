import { describe, expect, it } from '@jest/globals';
import { hashSetupCode, isSetupCode, newSetupCode } from './secrets.js';

describe('the code that makes the first administrator', () => {
  it('may be typed with small letters, with spaces, or without dashes', () => {
    const code = newSetupCode();
    expect(isSetupCode(code)).toBe(true);
    expect(hashSetupCode(code.toLowerCase().replaceAll('-', ' '))).toBe(hashSetupCode(code));
  });

  it.each(['', '-', 'пожалуйста-войдите', '1', 'abcd-efgh-ijk', '............'])(
    'is none where too few letters and digits of it count: %p',
    (code) => expect(isSetupCode(code)).toBe(false),
  );
});
