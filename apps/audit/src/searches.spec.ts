import { expect, it } from '@jest/globals';
import type { AuditNarrowing } from '#contracts/audit.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import type { OpenTexts } from './open-texts.js';
import { Timeline } from './timeline.js';

const several = { type: 'SessionMinted', actor: 'somebody' };

/** A database that never answers, or with this. */
function timelineOver(answer: Promise<object> = new Promise(() => undefined)) {
  let asked = 0;
  const query = () => (asked++, answer);
  const dataSource = { query, driver: { master: { query } } };
  const project = () => ({ reached: () => Promise.resolve() });
  const timeline = new Timeline({ project, dataSource } as unknown as Store, {} as OpenTexts);
  const list = (filter: AuditNarrowing) =>
    timeline.list({ context: contextFor(newTenant()), filter: { ...filter, limit: 10 }, after: undefined });
  return { timeline, list, asked: () => asked };
}

const settled = () => new Promise(setImmediate);

it('who looks by several filters leaves connections to the database to all others', async () => {
  const { timeline, list, asked } = timelineOver();
  for (let n = 0; n < 5; n++) void list(several);
  for (let n = 0; n < 5; n++) void timeline.after(newTenant(), several, '0');
  await settled();
  expect(asked()).toBe(4);
  for (const filter of [{}, { type: 'SessionMinted', from: '2026-01-01T00:00:00Z' }]) void list(filter);
  await settled();
  expect(asked()).toBe(6);
});

it('there is an end to how many wait', async () => {
  const { list } = timelineOver();
  for (let n = 0; n < 12; n++) void list(several);
  await settled();
  await expect(list(several)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('a look that takes too long says how to narrow it', async () => {
  const { list } = timelineOver(Promise.reject(Object.assign(new Error('canceling statement'), { code: '57014' })));
  await expect(list(several)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('`from` and `to`'),
  });
});
