import { Injectable } from '@nestjs/common';
import type { ConnectionView, CredentialPurpose } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { CredentialAccesses } from './credential-accesses.js';
import type { LinkAttempt } from './link-attempt.entity.js';
import { Vault } from './vault/vault.service.js';

const ATTEMPTS = 3;

/** The vault answers, and has no row of it: it was restored to an earlier day, or the row was deleted by hand. */
export class CredentialLost extends DomainError {
  constructor() {
    super('UNAVAILABLE', 'The credential is not in the vault.');
  }
}

/** The only door to a stored credential: no audit, no secret. */
@Injectable()
export class Credentials {
  constructor(
    private readonly accesses: CredentialAccesses,
    private readonly vault: Vault,
  ) {}

  async open(connection: ConnectionView, purpose: CredentialPurpose, context: Context): Promise<string> {
    return (await this.openNamed(connection, purpose, context)).secret;
  }

  /** Opens only when the connection's own stream says that it is live, and after the access is on record. */
  async openNamed(
    connection: ConnectionView,
    purpose: CredentialPurpose,
    context: Context,
  ): Promise<{ secret: string; version: number | null }> {
    let missed: number | null | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const view = await this.accesses.record(connection.id, { purpose, context });
      // It has lived all the time, and was not there: no rotation between the two reads.
      if (view.credential_version === missed) break;
      const secret = await this.read(view);
      if (secret !== null) return { secret, version: view.credential_version };
      missed = view.credential_version;
    }
    throw new CredentialLost();
  }

  /** What an attempt has brought that becomes no connection: there is no stream to record it in. */
  openOfNobody({ project_id, environment, connection_id }: LinkAttempt): Promise<string | null> {
    return this.vault.read({ project_id, environment, connection_id, field: 'access_token' });
  }

  destroyOfNobody({ connection_id }: LinkAttempt): Promise<void> {
    return this.vault.destroyAll(connection_id);
  }

  private read({ id: connection_id, project_id, environment, credential_version }: ConnectionView) {
    const place = { project_id, environment, connection_id };
    if (credential_version === null) return this.vault.read({ ...place, field: 'access_token' });
    return this.vault.read({ ...place, field: 'credential' }, credential_version);
  }
}
