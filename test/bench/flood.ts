import { connect } from '@nats-io/transport-node';
import { newHouseholdKey } from '#contracts/secrets.js';
import { busOptions } from '#service/bus-options.js';
import { anotherGateway } from '../another-gateway.js';
import { requestText } from './connection.js';
import { type Figures, median } from './figures.js';
import { type Fixture, loginOf } from './fixture.js';
import type { PacedLoad } from './http-load.js';
import type { Rivals } from './scenarios.js';
import { startWorker } from './worker.js';

export interface Flood {
  perSecond: number;
  rows: FloodRow[];
}

export interface FloodRow {
  title: string;
  /** Good traffic at the same gateway, in requests per second, without the flood and under it. */
  alone: number;
  under: number;
  /** Questions to the key service per 1,000 wrong requests. */
  asked: number;
}

interface Settings {
  rounds: number;
  durationMs: number;
  perSecond: number;
}

const FLOODERS = 16;
const STRETCH = { concurrency: 16 };
/** What .env.example names. */
const SHIPPED_LIMIT = '60';

/** How much good traffic loses while wrong keys pour in, and what each costs behind the gateway. */
export async function flood(fixture: Fixture, rivals: Rivals, settings: Settings): Promise<Flood> {
  const limited = await anotherGateway(fixture.run, { AUTH_FAIL_LIMIT_RPM: SHIPPED_LIMIT });
  const flooder = startWorker('http-load.js');
  const listener = await listenForVerify(fixture);
  const count = (settings.perSecond * settings.durationMs) / 1000;
  const atOpen = stretchesAt(fixture.port, 401);
  const atLimited = stretchesAt(Number(new URL(limited.url).port), [401, 429]);
  const floods = [
    {
      title: 'always the same wrong key, no limit per address',
      under: () => atOpen(wrong(1)),
      alone: () => atOpen([]),
    },
    {
      title: 'a new wrong key each time, no limit per address',
      under: () => atOpen(wrong(count)),
      alone: () => atOpen([]),
    },
    {
      title: `a new wrong key each time from one address, ${SHIPPED_LIMIT} a minute, as shipped`,
      under: () => atLimited(wrong(count)),
      alone: () => atLimited([]),
    },
  ];
  const rows: FloodRow[] = [];
  for (const { title, under, alone } of floods) {
    const all = [];
    // Once before it counts: refusals are no work yet that this gateway is used to.
    await under();
    for (let round = 0; round < settings.rounds; round++) all.push({ alone: await alone(), under: await under() });
    rows.push({
      title,
      alone: median(all.map((one) => one.alone.rate)),
      under: median(all.map((one) => one.under.rate)),
      asked: median(all.map((one) => one.under.asked)),
    });
  }
  flooder.stop();
  await Promise.all([listener.stop(), limited.stop()]);
  return { perSecond: settings.perSecond, rows };

  function stretchesAt(port: number, status: number | number[]) {
    const { sessionIds, key } = fixture;
    const path = '/api/v1/connections/link';
    const gets = sessionIds.map((id) => requestText('GET', `${path}/${id}`, { 'x-api-key': key }));
    const good = rivals.loadOn(port, gets, 200);
    return async (requests: string[]) => {
      const load: PacedLoad = { port, requests, status, ...settings, concurrency: FLOODERS };
      const before = listener.asked();
      const flooding = requests.length > 0 ? flooder.ask<Figures>('paced', load) : undefined;
      const { rate } = await good({ ...STRETCH, durationMs: settings.durationMs });
      await flooding;
      return { rate, asked: (1000 * (listener.asked() - before)) / count };
    };
  }
}

const wrong = (keys: number): string[] =>
  Array.from({ length: keys }, () => requestText('GET', '/api/v1/keys/me', { 'x-api-key': newHouseholdKey() }));

/** Counts what the gateways ask of the key service: whoever may hear its subjects hears the questions too. */
async function listenForVerify({ run }: Fixture) {
  let asked = 0;
  const connection = await connect(busOptions(loginOf(run, 'key')));
  connection.subscribe('key.verify', { callback: () => void asked++ });
  await connection.flush();
  return { asked: () => asked, stop: () => connection.close() };
}
