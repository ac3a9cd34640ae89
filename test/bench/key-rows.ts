import { requestText } from './connection.js';
import type { Figures } from './figures.js';
import { type Fixture, newKeys } from './fixture.js';
import type { Rivals } from './scenarios.js';

/** A route that ends after the key check: with one key, with many that are seen for the first time, and with many. */
export interface KeyRows {
  count: number;
  one: Figures;
  first: Figures;
  known: Figures;
}

const CONCURRENCY = 16;

export async function measureKeys(
  { run, key, port }: Fixture,
  { load, http }: Rivals,
  { keys: count, durationMs }: { keys: number; durationMs: number },
): Promise<KeyRows> {
  const stretch = { concurrency: CONCURRENCY, durationMs };
  const check = (as: string) => requestText('GET', '/api/v1/connections/link/no-id', { 'x-api-key': as });
  const requests = (await newKeys(run, count)).map(check);
  const one = await load([check(key)], 404)(stretch);
  const first = await http.ask<Figures>('each', { port, requests, status: 404, ...stretch });
  return { count, one, first, known: await load(requests, 404)(stretch) };
}
