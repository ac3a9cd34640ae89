import { setTimeout as sleep } from 'node:timers/promises';

interface Health {
  status?: string;
  parts?: Record<string, { status?: string }>;
}

/** Asks the gateway until every part is ready, or the signal comes; returns the parts that are not. */
export async function notReady(url: string, signal: AbortSignal): Promise<string[]> {
  for (;;) {
    const waiting = await partsDown(url);
    if (waiting.length === 0 || signal.aborted) return waiting;
    await sleep(100);
  }
}

async function partsDown(url: string): Promise<string[]> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) });
    if (answer.status === 200) return [];
    const { parts = {} } = (await answer.json()) as Health;
    const down = Object.keys(parts).filter((part) => parts[part]?.status !== 'up');
    return down.length > 0 ? down : ['gateway'];
  } catch {
    return ['gateway'];
  }
}
