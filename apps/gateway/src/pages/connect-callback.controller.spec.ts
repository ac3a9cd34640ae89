import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PageBus, startPages } from '../../../../test/page-app.js';

const bus = new PageBus();
let app: NestFastifyApplication;

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
