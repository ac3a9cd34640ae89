import { Injectable } from '@nestjs/common';
import { logger } from '#service/logger.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { WebhookDeliveries } from './webhook-deliveries.js';

type Suspect = Awaited<ReturnType<CredentialStorage['suspects']>>[number];

/** Destroys what nobody may keep any longer, and what a worker that died has left lying. */
@Injectable()
export class SweepStorage {
  constructor(
    private readonly credentials: CredentialStorage,
    private readonly connections: Connections,
    private readonly deliveries: WebhookDeliveries,
  ) {}

  /** What fails keeps nothing else from being done, and comes again. */
  async sweep(stopping: AbortSignal): Promise<void> {
    await tried(() => this.sweepCredentials(stopping));
    await tried(() => this.deliveries.sweep());
  }

  private async sweepCredentials(stopping: AbortSignal): Promise<void> {
    const stretch = await this.credentials.nextStretch();
    const each = async <T>(found: Promise<T[]>, destroy: (one: T) => Promise<void>) => {
      for (const one of await found) if (!stopping.aborted) await tried(() => destroy(one));
    };
    await tried(() => each(this.credentials.leftOver(stretch), (id) => this.credentials.destroy(id)));
    await tried(() => each(this.credentials.suspects(stretch), (suspect) => this.judge(suspect)));
  }

  private async judge(suspect: Suspect): Promise<void> {
    await this.credentials.destroyUnlessNamed(suspect, await this.connections.find(suspect.connection_id));
  }
}

async function tried(part: () => Promise<void>): Promise<void> {
  await part().catch((error: unknown) => {
    logger.warn({ error: String(error) }, 'a part of sweeping what is stored failed; it comes again');
  });
}
