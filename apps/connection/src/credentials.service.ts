import { Injectable } from '@nestjs/common';
import type { ConnectionView, CredentialPurpose } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { Connections } from './connections.service.js';
import { Vault } from './vault/vault.service.js';

/** The only door to a stored credential: no audit, no secret. */
@Injectable()
export class Credentials {
  constructor(
    private readonly connections: Connections,
    private readonly vault: Vault,
  ) {}

  /** Opens only when the connection's own stream says that it is live, and after the access is on record. */
  async open(connection: ConnectionView, purpose: CredentialPurpose, context: Context): Promise<string> {
    const { id, project_id, environment } = connection;
    await this.connections.command(id, { type: 'AccessCredential', purpose, now: new Date().toISOString() }, context);
    const secret = await this.vault.read({ project_id, environment, connection_id: id, field: 'access_token' });
    if (secret === null) throw new DomainError('UNAVAILABLE', 'The credential is not in the vault.');
    return secret;
  }
}
