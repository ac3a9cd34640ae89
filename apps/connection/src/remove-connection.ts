import { Injectable } from '@nestjs/common';
import { type BankConnection, type ConnectionView, isBank } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { ConfiguredProviders } from './configured-providers.js';
import { type Changed, Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { Credentials } from './credentials.service.js';
import { ProviderError } from './providers/provider.js';

/**
 * Ends a connection: a bank's first at the provider (removing again is harmless), then in the vault and in its stream as
 * one. Died in between, the first step left a live connection whose removal can be repeated; the second, a credential
 * that no longer opens and that the next sweep destroys.
 */
@Injectable()
export class RemoveConnection {
  constructor(
    private readonly connections: Connections,
    private readonly credentials: Credentials,
    private readonly providers: ConfiguredProviders,
    private readonly storage: CredentialStorage,
  ) {}

  async run(context: Context, connection: ConnectionView): Promise<Changed> {
    await this.leaveProvider(context, connection);
    const command = { type: 'Disconnect', reason: 'requested', now: new Date().toISOString() } as const;
    return this.storage.destroyWith(connection.id, () => this.connections.command(connection.id, command, context));
  }

  /** Ends it and forgets it; answers with where that stands. */
  async delete(context: Context, connection: ConnectionView): Promise<string> {
    await this.leaveProvider(context, connection);
    return this.storage.destroyWith(connection.id, () => this.connections.delete(connection.id, context));
  }

  private async leaveProvider(context: Context, connection: ConnectionView): Promise<void> {
    if (isBank(connection) && connection.state !== 'revoked') await this.removeAtProvider(connection, context);
  }

  private async removeAtProvider(connection: BankConnection, context: Context): Promise<void> {
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
