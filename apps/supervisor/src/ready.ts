import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the gateway says that every part is ready; false when the signal comes first. */
export async function ready(url: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (answer?.status === 200) return true;
    await sleep(100);
  }
  return false;
}
