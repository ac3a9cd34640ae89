import { Injectable } from '@nestjs/common';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { WebhookDeliveries } from './webhook-deliveries.js';

/** Destroys what nobody may keep any longer, and what a worker that died has left lying. */
@Injectable()
export class SweepStorage {
  constructor(
    private readonly credentials: CredentialStorage,
    private readonly connections: Connections,
    private readonly deliveries: WebhookDeliveries,
  ) {}

  async sweep(): Promise<void> {
    for (const id of await this.credentials.leftOver()) await this.credentials.destroy(id);
    for (const suspect of await this.credentials.suspects()) {
      await this.credentials.destroyUnlessNamed(suspect, await this.connections.find(suspect.connection_id));
    }
    await this.deliveries.sweep();
  }
}
