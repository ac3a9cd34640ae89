import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startDashboard, type TestDashboard } from '../../test/dashboard.js';

let dashboard: TestDashboard;

beforeAll(async () => (dashboard = await startDashboard()));
beforeEach(() => dashboard.renew());
afterAll(() => dashboard.app.close());

const page = async () => (await dashboard.get('/admin/settings/system')).text;

describe('the System page', () => {
  it('calls well only what people can read within seconds', async () => {
    const behind = (lag_ms: number) => () => ({
      ...{ status: 'up' as const, views: [{ name: 'entries', lag_ms, parked: 0 }], parts: {} },
    });
    dashboard.bus.answers['audit.health'] = behind(1_000);
    expect(await page()).toContain('everything that happened can be read');
    dashboard.bus.answers['audit.health'] = behind(120_000);
    expect(await page()).toMatch(/Not everything is well\.[^]*120\.0 s behind/);
  });

  it('says of comparisons that they are not known while a part that would know is away', async () => {
    expect(await page()).toContain('Built again');
    dashboard.bus.answers['link-session.replay.list'] = () => [];
    expect(await page()).toContain('Nothing was compared or built again yet.');
    delete dashboard.bus.answers['audit.replay.list'];
    const text = await page();
    expect(text).toContain('is not known right now');
    expect(text).not.toContain('Nothing was compared');
  });
});
