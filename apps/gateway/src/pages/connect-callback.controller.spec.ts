import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { compactDecrypt } from 'jose';
import { newVaultKey, PageBus, startPages } from '../../../../test/page-app.js';

const bus = new PageBus();
let app: NestFastifyApplication;

process.env['LINK_MISS_LIMIT_RPM'] = '3';
beforeAll(async () => (app = await startPages(bus)));
afterAll(() => app.close());

it('a look at the address of a callback uses no link up', async () => {
  const answer = await app.inject({
    method: 'HEAD',
    url: `/v1/connect/callback/shopify?state=${'x'.repeat(43)}&code=c`,
  });
  expect(answer.statusCode).toBe(204);
  expect(bus.asked).toEqual([]);
});

it('a page that asks to try again leads to its own address, holds nothing of it, and has a language of its own', async () => {
  const state = 'x'.repeat(43);
  const said = `state=${state}&code=%22%3Cb%3E&scope=read&scope=write`;
  const open = (query: string) =>
    app.inject({ url: `/v1/connect/callback/shopify${query}`, remoteAddress: '192.0.2.3' });
  const away = await open(`?${said}`);
  expect([away.statusCode, away.body]).toEqual([503, expect.stringContaining('href="">Try again</a>')]);
  for (const secret of [state, '%22%3Cb%3E', '"<b>', '&quot;&lt;b&gt;']) expect(away.body).not.toContain(secret);

  const { jwk, privateKey } = await newVaultKey();
  Object.assign(bus.answers, {
    'connection.vault-key': () => ({ jwk }),
    'connection.connect.finish': () => ({ redirect_to: 'https://app.example/done' }),
  });
  expect((await open(`?${said}&lang=de`)).statusCode).toBe(303);
  const { plaintext } = await compactDecrypt(bus.lastAsked('connection.connect.finish').sealed, privateKey);
  const { token } = JSON.parse(new TextDecoder().decode(plaintext)) as { token: string };
  expect(JSON.parse(token)).toEqual({ state, code: '"<b>', scope: ['read', 'write'] });
});

it('an address that guesses states is refused before anybody is asked', async () => {
  const { jwk } = await newVaultKey();
  let known = false;
  Object.assign(bus.answers, {
    'connection.vault-key': () => ({ jwk }),
    'connection.connect.finish': () => ({ redirect_to: known ? 'https://app.example/done' : null }),
  });
  const back = async (remoteAddress: string) => {
    const url = `/v1/connect/callback/shopify?state=${'x'.repeat(43)}&code=c`;
    return (await app.inject({ url, remoteAddress })).statusCode;
  };
  const guesses = [await back('192.0.2.1'), await back('192.0.2.1'), await back('192.0.2.1')];
  expect(new Set(guesses).size).toBe(1);
  known = true;
  const asked = bus.asked.length;
  expect(await back('192.0.2.1')).toBe(429);
  expect(bus.asked).toHaveLength(asked);
  expect(await back('192.0.2.2')).toBe(303);
});
