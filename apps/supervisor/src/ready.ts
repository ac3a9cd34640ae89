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

/** Does the dashboard still wait for its first administrator? */
export async function setupIsOpen(url: string): Promise<boolean> {
  const ask = fetch(`${url}/admin/setup`, { redirect: 'manual', signal: AbortSignal.timeout(5000) });
  return ask.then(
    ({ status }) => status === 200,
    () => false,
  );
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
