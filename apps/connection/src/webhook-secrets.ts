import { Injectable } from '@nestjs/common';
import type { ConnectionView } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Changed, Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';

/** Secrets with which providers sign what they deliver: written, and never read by any caller. */
@Injectable()
export class WebhookSecrets {
  constructor(
    private readonly connections: Connections,
    private readonly storage: CredentialStorage,
  ) {}

  async set(
    context: Context,
    { id: connection_id, state }: ConnectionView,
    { sealed, grace_seconds }: { sealed: string; grace_seconds: number },
  ): Promise<Changed> {
    // Before the vault: a connection that is over takes no secret, not even for a moment.
    if (state === 'revoked') throw new DomainError('CONNECTION_DISCONNECTED');
    const secret = await this.storage.unseal(sealed);
    const slot = { ...context.tenant, connection_id, field: 'webhook_secret' as const };
    return this.storage.keep(slot, secret, async (version) => {
      const now = new Date().toISOString();
      const command = { type: 'SetWebhookSecret', version, grace_seconds, now } as const;
      const result = await this.connections.command(connection_id, command, context);
      const { webhook_version, webhook_previous } = result.view;
      return { result, version: webhook_version ?? version, alsoKept: webhook_previous };
    });
  }
}
