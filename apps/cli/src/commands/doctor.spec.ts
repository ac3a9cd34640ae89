import { once } from 'node:events';
import { mkdirSync, mkdtempSync, type PathLike, rmSync, type StatsFs, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { parse } from '../arguments.js';
import { Cli } from '../cli.js';
import { doctorCommands } from './doctor.js';

let gateway: Server | undefined;
afterEach(() => {
  gateway?.close();
  jest.restoreAllMocks();
});

/** What doctor shows when a gateway says this of its parts. */
const shown = (parts: object) => shownBy((_, response) => response.end(JSON.stringify({ status: 'down', parts })));

/** On the machine of `npm start` where a data folder is given. */
async function shownBy(says: RequestListener, dataDir?: string) {
  gateway = createServer(says).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  if (dataDir) writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ url }), { mode: 0o600 });
  const given = parse(['doctor', '--json', ...(dataDir ? [] : ['--url', url])], doctorCommands);
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const ended = given.command.run(given, new Cli(given, { DATA_DIR: dataDir })).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  const wrong = await ended;
  const { checks } = JSON.parse(String(log.mock.calls.at(-1)![0])) as { checks: { check: string; detail: string }[] };
  return { wrong, detail: Object.fromEntries(checks.map(({ check, detail }) => [check, detail])) };
}

describe('doctor', () => {
  it('names the servers that a service is without, and says nothing of views that it knows nothing of', async () => {
    const views = [{ name: 'api_keys', lag_ms: 3, parked: 0 }];
    const { wrong, detail } = await shown({
      key: { status: 'down', views, parts: { database: 'down', eventstore: 'down', bus: 'up' } },
      audit: {
        status: 'up',
        views: [{ ...views[0], lag_ms: 0 }],
        parts: { database: 'up', eventstore: 'up', bus: 'up' },
      },
      connection: { status: 'down', views: [], parts: {} },
    });
    expect(wrong).toBe('key, connection');
    expect(detail).toMatchObject({
      key: 'down, without Postgres, without event store, 3 ms behind, 0 events parked',
      audit: 'up, 0 ms behind, 0 events parked',
      connection: 'down',
    });
  });

  it('names the views that have been behind for more than a minute, and for how long', async () => {
    const behind = (...lags: number[]) => lags.map((lag_ms, index) => ({ name: `view_${index}`, lag_ms, parked: 0 }));
    const { wrong, detail } = await shown({
      key: { status: 'up', views: behind(60_000) },
      connection: { status: 'up', views: behind(130_000, 3, 3_600_000) },
    });
    expect(wrong).toBe('connection');
    expect(detail).toMatchObject({
      key: 'up, 60000 ms behind, 0 events parked',
      connection: 'up, view_0 2 min, view_2 60 min behind, 0 events parked',
    });
  });

  it('says how much room the data folder has, or the database where that is elsewhere, and when it is too little', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-doctor-'));
    const well: RequestListener = (_, response) => response.end(JSON.stringify({ parts: {} }));
    try {
      const before = await shownBy(well, dataDir);
      expect(before).toMatchObject({
        wrong: '',
        detail: { disk: expect.stringMatching(/^\d+ MiB free in .*latchkey-doctor-/) },
      });
      gateway!.close();
      mkdirSync(join(dataDir, 'postgres'));
      const ofDisk = (path: PathLike) =>
        ({ bsize: 4096, bavail: String(path).endsWith('postgres') ? 0 : 1e6 }) as StatsFs;
      jest.spyOn(fs, 'statfs').mockImplementation((path) => Promise.resolve(ofDisk(path)));
      expect(await shownBy(well, dataDir)).toMatchObject({
        wrong: 'disk',
        detail: { disk: `0 MiB free in ${dataDir}/postgres: writes need more` },
      });
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('does not take the page of a proxy for a healthy system', async () => {
    const { wrong } = await shownBy(({ url }, response) => {
      if (url === '/health/live') return response.end('{"status":"up"}');
      response.writeHead(503, { 'content-type': 'text/html' }).end('<h1>Service unavailable</h1>');
    });
    expect(wrong).toBe('parts');
  });

  it('does not take a page for everything for a gateway', async () => {
    const { wrong, detail } = await shownBy((_, response) => response.end('<h1>My app</h1>'));
    expect(wrong).toBe('gateway, parts');
    expect(detail.gateway).toMatch(/^HTTP_200: What answers at .* is not Latchkey\.$/);
  });
});
