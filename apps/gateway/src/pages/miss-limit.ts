import { isIPv6 } from 'node:net';
import { DomainError } from '#contracts/errors.js';

const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 20_000;

/** Counts per address and minute how many links were asked for that do not exist. Its memory is bounded. */
export class MissLimit {
  private misses = new Map<string, number>();
  private windowEnds = 0;

  constructor(private readonly perMinute: number) {}

  add(address: string, now = performance.now()): void {
    const key = networkOf(address);
    const misses = this.current(now);
    if (misses.size >= MOST_ADDRESSES && !misses.has(key)) misses.delete(misses.keys().next().value!);
    misses.set(key, (misses.get(key) ?? 0) + 1);
  }

  isOver(address: string, now = performance.now()): boolean {
    return (this.current(now).get(networkOf(address)) ?? 0) >= this.perMinute;
  }

  /** Refuses an address that has missed too often, until the minute is over. */
  assertNotOver(address: string, now = performance.now()): void {
    if (!this.isOver(address, now)) return;
    throw new DomainError('RATE_LIMITED', undefined, { retry_after: Math.ceil((this.windowEnds - now) / 1000) });
  }

  private current(now: number): Map<string, number> {
    if (now >= this.windowEnds) {
      this.misses = new Map();
      this.windowEnds = now + WINDOW_MS;
    }
    return this.misses;
  }
}

/** One customer of IPv6 has a whole /64, so that is what is counted. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = (tail ?? '').split(':').filter(Boolean);
  const zeros = Array<string>(tail === undefined ? 0 : 8 - front.length - back.length).fill('0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
