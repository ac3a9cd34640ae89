import { Injectable } from '@nestjs/common';
import { type BankConnection, type ConnectionView, isBank } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { ConfiguredProviders } from './configured-providers.js';
import { Credentials } from './credentials.service.js';
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

  private async removeAtProvider(connection: BankConnection, context: Context): Promise<void> {
    const accessToken = await this.credentials.open(connection, 'remove', context);
    await this.providers.get(connection.provider).remove(accessToken).catch(refusedByProvider);
  }
}
