import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { LEASE_MS, REPEAT_MS } from '#contracts/key-lease.js';
import { Bus } from '#service/bus.js';

/** The gateways that may hold a lease, and how they are told of a dead key. The protocol: contracts/key-lease.ts. */
@Injectable()
export class Gateways {
  /** When each was last heard, by the monotonic clock. */
  private readonly heard = new Map<string, number>();
  private listeningSince = performance.now();

  constructor(@Inject(Bus) private readonly bus: Bus) {
    bus.onDisconnect(() => (this.listeningSince = performance.now()));
    bus.listen('key.lease', ({ gateway_id }, answer) => {
      this.heard.set(gateway_id, performance.now());
      answer({ gateway_id });
    });
  }

  /** Resolves when no gateway believes in the key any more: each has forgotten it, or its lease has run out. */
  async forget(key_id: string): Promise<void> {
    const told = { key_id, revoke_id: randomUUID() };
    const forgotten = new Set<string>();
    let wake = (): void => undefined;
    let end: number | undefined;
    const over = () => (end !== undefined && performance.now() >= end) || this.allHave(forgotten);
    do {
      const round = await this.bus.announce('gateway.key-revoked', told, ({ gateway_id }) => {
        forgotten.add(gateway_id);
        wake();
      });
      end ??= performance.now() + LEASE_MS;
      for (const next = performance.now() + REPEAT_MS; performance.now() < next && !over();) {
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), wait(next - performance.now())]);
      }
      round.stop();
    } while (!over());
  }

  private allHave(forgotten: Set<string>): boolean {
    const leaseStart = performance.now() - LEASE_MS;
    for (const [gateway, at] of this.heard) if (at < leaseStart) this.heard.delete(gateway);
    return this.listeningSince <= leaseStart && [...this.heard.keys()].every((gateway) => forgotten.has(gateway));
  }
}
