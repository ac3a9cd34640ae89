import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { gatewayEnv } from './config.js';
import { readPagesSettings } from './pages/settings.js';

afterEach(() => void jest.restoreAllMocks());

describe('the gateway’s settings', () => {
  it('limit what they promise to limit, where nothing is set', () => {
    jest.replaceProperty(process, 'env', {});
    expect({ ...gatewayEnv.parse({}), ...readPagesSettings() }).toMatchObject({
      ...{ API_RATE_LIMIT_RPM: 120, API_RATE_LIMIT_BURST: 60, AUTH_FAIL_LIMIT_RPM: 60 },
      ...{ LINK_MISS_LIMIT_RPM: 30, SIGN_IN_LIMIT_RPM: 10 },
    });
  });

  it('read SANDBOX as the connection service does', () => {
    const read = (SANDBOX: string) => gatewayEnv.safeParse({ SANDBOX }).data?.SANDBOX;
    expect(['1', 'yes', 'true', '0', 'false', 'perhaps'].map(read)).toEqual([
      true,
      true,
      true,
      false,
      false,
      undefined,
    ]);
  });

  it.each(['', '10.0.0.7', '10.0.0.0/8, ::1', '2001:DB8::/32', 'loopback, uniquelocal'])(
    'trust these proxies: "%s"',
    (TRUSTED_PROXIES) => expect(gatewayEnv.safeParse({ TRUSTED_PROXIES }).success).toBe(true),
  );

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/8, no', '0.0.0.0/0', '::/0'])(
    'name themselves where no proxy can be meant: "%s"',
    (TRUSTED_PROXIES) =>
      expect(gatewayEnv.safeParse({ TRUSTED_PROXIES }).error?.issues).toMatchObject([
        { path: ['TRUSTED_PROXIES', expect.any(Number)] },
      ]),
  );

  it.each(['foo', 'latchkey.example:8443', 'https://*.example', 'https://a.example/x'])(
    'name themselves where no origin can be meant: "%s"',
    (text) => {
      const REDIRECT_ORIGINS = `https://ok.example,${text}`;
      const { error } = gatewayEnv.safeParse({ PUBLIC_BASE_URL: text, REDIRECT_ORIGINS });
      const named = error?.issues.map(({ path: [name] }) => name);
      expect(named).toEqual(['PUBLIC_BASE_URL', 'REDIRECT_ORIGINS']);
    },
  );

  it.each(['http://links.example', 'links.example/', '*.links.example', 'localhost, *'])(
    'name themselves where no host can be meant: "%s"',
    (ALLOWED_HOSTS) =>
      expect(gatewayEnv.safeParse({ ALLOWED_HOSTS }).error?.issues).toMatchObject([
        { path: ['ALLOWED_HOSTS', expect.any(Number)] },
      ]),
  );
});
