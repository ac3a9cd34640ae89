import { expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { WebhookDeliveries } from './webhook-deliveries.js';

it('clears bodies that are over once a minute, and again as long as there is more than one statement takes', async () => {
  let over = 2_300;
  let updates = 0;
  const query = (text: string) => {
    if (!text.startsWith('update')) return Promise.resolve([]);
    const cleared = Math.min(over, 1_000);
    [over, updates] = [over - cleared, updates + 1];
    return Promise.resolve([[], cleared]);
  };
  const deliveries = new WebhookDeliveries({ query } as unknown as DataSource);
  const now = Date.now();
  for (let round = 0; round < 5; round++) await deliveries.sweep(now + round);
  expect([over, updates]).toEqual([0, 3]);
  await deliveries.sweep(now + 61_000);
  expect(updates).toBe(4);
});
