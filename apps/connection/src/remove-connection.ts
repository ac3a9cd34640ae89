import { Injectable } from '@nestjs/common';
import type { ConnectionView } from '#contracts/connection.js';
import type { Context, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { ConfiguredProviders } from './configured-providers.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { Credentials } from './credentials.service.js';
import { ProviderError } from './providers/provider.js';

/**
 * Ends a connection: first at the provider (removing again is harmless), then in its stream, then in the vault. Died in
 * between, the first step left a live connection whose removal can be repeated; the second, a credential that no longer
 * opens and that the next sweep destroys.
 */
@Injectable()
export class RemoveConnection {
  constructor(
    private readonly connections: Connections,
    private readonly credentials: Credentials,
    private readonly providers: ConfiguredProviders,
    private readonly storage: CredentialStorage,
  ) {}

  async run(context: Context, id: string): Promise<Written<ConnectionView>> {
    const connection = await this.connections.read(context.tenant, id);
    if (connection.state !== 'revoked') await this.removeAtProvider(connection, context);
    const command = { type: 'Disconnect', reason: 'requested', now: new Date().toISOString() } as const;
    const written = await this.connections.command(id, command, context);
    await this.storage.destroy(id);
    return written;
  }

  private async removeAtProvider(connection: ConnectionView, context: Context): Promise<void> {
    const accessToken = await this.credentials.open(connection, 'remove', context);
    try {
      await this.providers.get(connection.provider).remove(accessToken);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.retryable) throw new DomainError('UNAVAILABLE', 'The provider does not answer; nothing was changed.');
      throw new DomainError('PROVIDER_ERROR', error.message, { code: error.code });
    }
  }
}
