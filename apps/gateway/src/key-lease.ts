import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type KeyChanged, LEASE_MS, LEASE_RENEW_MS } from '#contracts/key-lease.js';
import { Bus } from '#service/bus.js';

/** The gateway's side of the lease, steps 1, 2 and 4 of contracts/key-lease.ts. */
@Injectable()
export class KeyLease implements OnApplicationShutdown {
  private readonly gatewayId = randomUUID();
  private heldUntil = -Infinity;
  /** Names the unbroken lease: what was learned under another one may be out of date. */
  private number = 0;
  private renewal: NodeJS.Timeout | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  /** The lease that is held at this moment; null when there is none. */
  current(): number | null {
    return performance.now() < this.heldUntil ? this.number : null;
  }

  /** From now on keeps a lease whenever the bus is there. `onChanged` hears of each change before it is confirmed. */
  hold(onChanged: (change: KeyChanged) => void): void {
    this.bus.onDisconnect(() => this.lose());
    this.bus.listen('gateway.key-changed', (change, answer) => {
      onChanged(change);
      answer({ gateway_id: this.gatewayId, change_id: change.change_id });
    });
    this.renewal = setInterval(() => void this.renew(), LEASE_RENEW_MS).unref();
    void this.renew();
  }

  private async renew(): Promise<void> {
    const sentAt = performance.now();
    const { number } = this;
    try {
      const asked = { gateway_id: this.gatewayId };
      const round = await this.bus.broadcast('key.lease', asked, () => this.extend(sentAt, number));
      setTimeout(() => round.stop(), LEASE_MS).unref();
    } catch {
      // Without the bus there is no lease; the next renewal tries again.
    }
  }

  /** An answer to what was asked before the lease was lost is worth nothing: changes may have been announced in between. */
  private extend(sentAt: number, asked: number): void {
    if (asked !== this.number) return;
    if (this.current() === null) this.number++;
    this.heldUntil = Math.max(this.heldUntil, sentAt + LEASE_MS);
  }

  private lose(): void {
    this.heldUntil = -Infinity;
    this.number++;
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewal);
  }
}
