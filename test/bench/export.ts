import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Fixture } from './fixture.js';
import { watchMemory } from './processes.js';
import { type LongTimeline, timeOf } from './timeline.js';

export interface Exported {
  entries: number;
  bytes: number;
  elapsedMs: number;
  /** MiB of the parts it goes through, before and at the most. */
  before: Record<string, number>;
  peak: Record<string, number>;
}

/** The timeline as a file, read as fast as it comes; of a longer one than `most`, the beginning. */
export async function measureExport(
  { run }: Fixture,
  { key, entries }: LongTimeline,
  { format, most }: { format: 'ndjson' | 'csv'; most: number },
): Promise<Exported> {
  const part = most < entries ? `&to=${timeOf(most)}` : '';
  const memory = watchMemory(run, ['audit', 'gateway']);
  const startedAt = performance.now();
  const asked = get(`${run.url}/api/v1/audit/export?format=${format}${part}`, { headers: { 'x-api-key': key } });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`export: ${response.statusCode}`);
  let [lines, bytes] = [0, 0];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
  }
  memory.stop();
  if (lines < Math.min(most, entries)) throw new Error(`export: ${lines} lines instead of ${most}`);
  const { before, peak } = memory;
  return { entries: lines, bytes, elapsedMs: performance.now() - startedAt, before, peak };
}
