import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask } from '#contracts/subjects.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { AuditExport } from './audit-export.js';
import { LiveTimeline } from './live-timeline.js';
import { News } from './news.js';
import type { OpenTexts } from './open-texts.js';
import type { SignCheckpoints } from './sign-checkpoints.js';
import { Timeline } from './timeline.js';

/** A view that was begun anew and has two of many entries so far. */
const view = { hasCaughtUp: false, reached: () => Promise.resolve() };
const newest = { seq: '2', hash: 'h', position: '20' };
const store = {
  project: () => view,
  dataSource: {
    query: () => Promise.resolve([{ commit: newest.position }]),
    driver: { master: { query: () => Promise.resolve({ rows: [newest] }) } },
  },
} as unknown as Store;

const context = contextFor(newTenant());
const timeline = new Timeline(store, {} as OpenTexts);
let signed: object[];

const begin = () => {
  const checkpoints = { signNow: (_: object, end: object) => Promise.resolve(signed.push(end)) };
  const texts = {} as OpenTexts;
  return new AuditExport(store, timeline, texts, checkpoints as unknown as SignCheckpoints).begin({
    context,
    filter: {},
  });
};
const live = () =>
  new LiveTimeline(store, timeline, new News()).changes({ context, filter: {} } as Ask<'audit.changes'>);

beforeEach(() => void (signed = []));

describe('while the timeline is built from the first event on', () => {
  beforeEach(() => void (view.hasCaughtUp = false));

  it('its end is not signed as the end of an export', async () => {
    await expect(begin()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(signed).toEqual([]);
  });

  it('nobody begins to follow it', async () => {
    await expect(live()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('once it has caught up', () => {
  beforeEach(() => void (view.hasCaughtUp = true));

  it('an export ends at its end', async () => {
    expect(await begin()).toMatchObject({ until: '20', entries: 2 });
    expect(signed).toEqual([{ seq: 2, hash: 'h' }]);
  });

  it('whoever follows it begins there', async () => {
    expect(await live()).toEqual({ entries: [], position: '20' });
  });
});
