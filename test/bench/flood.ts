import { connect } from '@nats-io/transport-node';
import { newHouseholdKey } from '#contracts/secrets.js';
import { busOptions } from '#service/bus-options.js';
import { requestText } from './connection.js';
import { type Figures, median } from './figures.js';
import { type Fixture, loginOf } from './fixture.js';
import type { PacedLoad } from './http-load.js';
import type { Scenario } from './rows.js';
import { startWorker } from './worker.js';

export interface Flood {
  perSecond: number;
  /** Good traffic, in requests per second, alone and under a flood of one wrong key and of ever new ones. */
  alone: number;
  sameKey: number;
  newKeys: number;
  /** Questions to the key service per 1,000 wrong requests. */
  askedOfSame: number;
  askedOfNew: number;
}

interface Settings {
  rounds: number;
  durationMs: number;
  perSecond: number;
}

const FLOODERS = 16;
const STRETCH = { concurrency: 16 };

/** How much good traffic loses while wrong keys pour in, and what each costs behind the gateway. */
export async function flood(fixture: Fixture, good: Scenario, settings: Settings): Promise<Flood> {
  const { perSecond, rounds, durationMs } = settings;
  const count = (perSecond * durationMs) / 1000;
  const listener = await listenForVerify(fixture);
  const flooder = startWorker('http-load.js');
  const wrong = (keys: number) => Array.from({ length: keys }, () => wrongRequest());
  const against = async (requests: string[]) => {
    const load: PacedLoad = { port: fixture.port, requests, status: 401, perSecond, durationMs, concurrency: FLOODERS };
    const before = listener.asked();
    const flooding = requests.length > 0 ? flooder.ask<Figures>('paced', load) : undefined;
    const { rate } = await good.run({ ...STRETCH, durationMs });
    await flooding;
    return { rate, asked: (1000 * (listener.asked() - before)) / count };
  };
  const all = { alone: [], same: [], fresh: [] } as Record<
    'alone' | 'same' | 'fresh',
    { rate: number; asked: number }[]
  >;
  for (let round = 0; round < rounds; round++) {
    all.alone.push(await against([]));
    all.same.push(await against(wrong(1)));
    all.fresh.push(await against(wrong(count)));
  }
  flooder.stop();
  await listener.stop();
  const rate = (of: keyof typeof all) => median(all[of].map((one) => one.rate));
  const asked = (of: keyof typeof all) => median(all[of].map((one) => one.asked));
  return {
    perSecond,
    alone: rate('alone'),
    sameKey: rate('same'),
    newKeys: rate('fresh'),
    askedOfSame: asked('same'),
    askedOfNew: asked('fresh'),
  };
}

const wrongRequest = () => requestText('GET', '/api/v1/keys/me', { 'x-api-key': newHouseholdKey() });

/** Counts what the gateways ask of the key service: whoever may hear its subjects hears the questions too. */
async function listenForVerify({ run }: Fixture) {
  let asked = 0;
  const connection = await connect(busOptions(loginOf(run, 'key')));
  connection.subscribe('key.verify', { callback: () => void asked++ });
  await connection.flush();
  return { asked: () => asked, stop: () => connection.close() };
}
