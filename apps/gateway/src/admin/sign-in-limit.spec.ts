import { expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import type { GatewayConfig } from '../config.js';
import { SignInLimit } from './sign-in-limit.js';

const refuse = () => Promise.reject(new DomainError('SIGN_IN_REFUSED'));
const succeed = () => Promise.resolve('in');

it('an account that is locked from elsewhere costs others at the same address nothing', async () => {
  const limit = new SignInLimit({ SIGN_IN_LIMIT_RPM: 2 } as GatewayConfig);
  for (let n = 0; n < 2; n++) await expect(limit.count('192.0.2.1', 'ada', refuse)).rejects.toThrow();
  for (let n = 0; n < 5; n++) {
    await expect(limit.count('198.51.100.1', 'ada', succeed)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  }
  await expect(limit.count('198.51.100.1', 'bob', succeed)).resolves.toBe('in');
});
