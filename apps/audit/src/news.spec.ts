import { describe, expect, it } from '@jest/globals';
import { newTenant } from '#testing/callers.js';
import { News } from './news.js';

const LONG_MS = 60_000;

describe('who waits for entries', () => {
  it('hears of those of the own tenant', async () => {
    const [news, tenant] = [new News(), newTenant()];
    const { happened } = news.next(tenant, LONG_MS);
    const others = news.next(newTenant(), LONG_MS);
    news.tell([tenant]);
    await happened;
    expect(news.isAwaited).toBe(true);
    others.stop();
    expect(news.isAwaited).toBe(false);
  });

  it('has an answer at once when the service stops, also who asks only then; who passes on everybody’s goes on', async () => {
    const [news, tenant] = [new News(), newTenant()];
    const { happened } = news.next(tenant, LONG_MS);
    const publishing = news.next(null, LONG_MS);
    let isWoken = false;
    void publishing.happened.then(() => (isWoken = true));
    news.beforeApplicationShutdown();
    await happened;
    await news.next(tenant, LONG_MS).happened;
    expect(isWoken).toBe(false);
    publishing.stop();
  });
});
