import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type KeyChanged, LEASE_MS, LEASE_RENEW_MS } from '#contracts/key-lease.js';
import { Bus } from '#service/bus.js';

/** A moment by both clocks: while a machine sleeps the one stands still, and the other can be set. */
interface Moment {
  monotonic: number;
  wall: number;
}

const never: Moment = { monotonic: -Infinity, wall: -Infinity };

/** The gateway's side of the lease, steps 1, 2 and 4 of contracts/key-lease.ts. */
@Injectable()
export class KeyLease implements OnApplicationShutdown {
  private readonly gatewayId = randomUUID();
  /** When what was answered last was asked. */
  private askedAt = never;
  /** Names the unbroken lease: what was learned under another one may be out of date. */
  private number = 0;
  private renewal: NodeJS.Timeout | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  /** The lease that is held at this moment; null when there is none. */
  current(): number | null {
    const wallMs = Date.now() - this.askedAt.wall;
    const isHeld = performance.now() - this.askedAt.monotonic < LEASE_MS && wallMs >= 0 && wallMs <= LEASE_MS;
    return isHeld ? this.number : null;
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
    const sentAt = { monotonic: performance.now(), wall: Date.now() };
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
  private extend(sentAt: Moment, asked: number): void {
    if (asked !== this.number) return;
    if (this.current() === null) this.number++;
    if (sentAt.monotonic > this.askedAt.monotonic) this.askedAt = sentAt;
  }

  private lose(): void {
    this.askedAt = never;
    this.number++;
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewal);
  }
}
