import { expect, it } from '@jest/globals';

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
