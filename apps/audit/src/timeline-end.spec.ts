import { beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
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
const view = { hasCaughtUp: false, reached: (): Promise<void> => Promise.resolve() };
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

const checkpoints = { signNow: (_: object, end: object) => Promise.resolve(signed.push(end)) };
const file = new AuditExport(store, timeline, {} as OpenTexts, checkpoints as unknown as SignCheckpoints);
const begin = () => file.begin({ context, filter: {} });
const live = () =>
  new LiveTimeline(store, timeline, new News()).changes({ context, filter: {} } as Ask<'audit.changes'>);

beforeEach(() => {
  signed = [];
  view.reached = () => Promise.resolve();
});

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
    expect(signed).toEqual([{ position: '20', seq: 2, hash: 'h' }]);
  });

  it('an export that has begun does not end before its end when the timeline has gone back since', async () => {
    const { until } = await begin();
    view.reached = () => Promise.reject(new DomainError('UNAVAILABLE'));
    const page = file.page({ context, filter: {}, from: '19', until: until! });
    await expect(page).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('whoever follows it begins there', async () => {
    expect(await live()).toEqual({ entries: [], position: '20' });
  });
});
