import { Injectable } from '@nestjs/common';
import { type BankConnection, type ConnectionView, isBank } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { ConfiguredProviders } from './configured-providers.js';
import { CredentialLost, Credentials } from './credentials.service.js';
import { refusedByProvider } from './provider-refusal.js';

/** Removes a bank's login at its provider; for other connections there is nothing to be done there. */
@Injectable()
export class LeaveProvider {
  constructor(
    private readonly credentials: Credentials,
    private readonly providers: ConfiguredProviders,
  ) {}

  async leave(context: Context, connection: ConnectionView): Promise<void> {
    if (isBank(connection) && connection.state !== 'revoked') await this.removeAtProvider(connection, context);
  }

  /** What no repetition could remove must not keep the connection from being ended here. */
  private async removeAtProvider(connection: BankConnection, context: Context): Promise<void> {
    const provider = this.providers.find(connection.provider);
    if (!provider) return leftBehind(connection, 'the provider is not set up here any more');
    const accessToken = await this.accessToken(connection, context);
    if (accessToken !== null) await provider.remove(accessToken).catch(refusedByProvider);
  }

  /** Null when there is none to be had. A vault that is away, or has not the key, is asked again later. */
  private async accessToken(connection: BankConnection, context: Context): Promise<string | null> {
    return this.credentials.open(connection, 'remove', context).catch((error: unknown) => {
      if (error instanceof CredentialLost) leftBehind(connection, 'its credential is not in the vault');
      else if (!isEnded(error)) throw error;
      return null;
    });
  }
}

/** By somebody else meanwhile, who has removed the login first. */
const isEnded = (error: unknown): boolean => error instanceof DomainError && error.code === 'CONNECTION_DISCONNECTED';

/** At Plaid, an item that is left costs money until somebody removes it by hand. */
function leftBehind({ id, provider, provider_item_id }: BankConnection, why: string): void {
  logger.warn({ connection_id: id, provider, provider_item_id, why }, 'a login stays at its provider');
}
