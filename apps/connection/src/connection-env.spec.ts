import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';

beforeEach(() => void jest.resetModules());
afterEach(() => void jest.restoreAllMocks());

process.env.WEBHOOK_BASE_URL = 'https://money.example/';
process.env.PLAID_BASE_URL = 'https://sandbox.plaid.com//';
process.env.TELLER_BASE_URL = 'https://api.teller.io';

it('addresses that paths are put behind end without a slash, however they are written', async () => {
  const { connectionEnv } = await import('./connection-env.js');
  expect(connectionEnv).toMatchObject({
    WEBHOOK_BASE_URL: 'https://money.example',
    PLAID_BASE_URL: 'https://sandbox.plaid.com',
    TELLER_BASE_URL: 'https://api.teller.io',
  });
});

it.each(['ftp://money.example', 'money.example:8443'])(
  '"%s" is no address to put paths behind, and named',
  async (url) => {
    const named = ['WEBHOOK_BASE_URL', 'PLAID_BASE_URL', 'TELLER_BASE_URL'];
    jest.replaceProperty(process, 'env', Object.fromEntries(named.map((name) => [name, url])));
    const said: string[] = [];
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    jest.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    await expect(import('./connection-env.js')).rejects.toThrow('exit 78');
    expect(said.map((line) => line.split(':')[0])).toEqual(named);
  },
);
