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
  async sweep(): Promise<void> {
    await tried(() => this.sweepCredentials());
    await tried(() => this.deliveries.sweep());
  }

  private async sweepCredentials(): Promise<void> {
    const stretch = await this.credentials.nextStretch();
    await tried(async () => {
      for (const id of await this.credentials.leftOver(stretch)) await tried(() => this.credentials.destroy(id));
    });
    await tried(async () => {
      for (const suspect of await this.credentials.suspects(stretch)) await tried(() => this.judge(suspect));
    });
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
