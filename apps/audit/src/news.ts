import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { Tenant } from '#contracts/envelope.js';

interface Waiter {
  /** Null: whosever. */
  tenant: string | null;
  wake: () => void;
}

export interface Waiting {
  /** Resolves when the tenant has new entries, or when the time is over. */
  happened: Promise<void>;
  stop(): void;
}

/** Who waits for entries, and for whose. */
@Injectable()
export class News implements BeforeApplicationShutdown {
  private readonly waiters = new Set<Waiter>();
  private isStopping = false;

  get isAwaited(): boolean {
    return [...this.waiters].some(({ tenant }) => tenant !== null);
  }

  next(tenant: Tenant | null, ms: number): Waiting {
    let wake!: () => void;
    const happened = new Promise<void>((resolve) => (wake = resolve));
    const waiter = { tenant: tenant && nameOf(tenant), wake };
    this.waiters.add(waiter);
    const stop = () => {
      clearTimeout(timer);
      this.waiters.delete(waiter);
    };
    const timer = setTimeout(wake, this.isStopping && tenant ? 0 : ms);
    return { happened: happened.finally(stop), stop };
  }

  /** `tenants` null: nobody can tell whose news it is. */
  tell(tenants: Tenant[] | null): void {
    const told = tenants && new Set(tenants.map(nameOf));
    for (const { tenant, wake } of this.waiters) if (!told || told.has(tenant ?? '')) wake();
  }

  /** Those who ask for a tenant's entries have their answer now: a stop waits for them, and another replica can tell. */
  beforeApplicationShutdown(): void {
    this.isStopping = true;
    for (const { tenant, wake } of this.waiters) if (tenant !== null) wake();
  }

  /** Wakes those who wait for whosever entries. */
  tellAny(): void {
    for (const { tenant, wake } of this.waiters) if (tenant === null) wake();
  }
}

const nameOf = ({ project_id, environment }: Tenant): string => `${project_id}/${environment}`;
