import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { idOf } from '#contracts/ids.js';
import { inTenantOf, type ProviderName, type SessionView, type StartedLink } from '#contracts/link-session.js';
import { AttemptJournal } from './attempt-journal.js';
import { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import { Connections } from './connections.service.js';
import { Credentials } from './credentials.service.js';
import type { StartLink } from './providers/provider.js';
import { webhookAddressOf } from './webhook-address.js';

export interface StartAttempt {
  context: Context;
  token_hash: string;
  attempt_id: string;
  provider: ProviderName;
  language: string;
  session: SessionView;
  /** The project's name; null lets the installation's brand ask. */
  asker: string | null;
}

/** Opens an attempt at the provider and writes it down. */
@Injectable()
export class LinkStarter {
  constructor(
    private readonly journal: AttemptJournal,
    private readonly providers: ConfiguredProviders,
    private readonly connections: Connections,
    private readonly credentials: Credentials,
  ) {}

  async start(wish: StartAttempt): Promise<StartedLink> {
    const { session, context, attempt_id, provider, token_hash } = wish;
    const { id: session_id, user_id, action, project_id, environment } = session;
    const connection_id = session.connection_id ?? idOf('connection', attempt_id);
    const old = action === 'relink' ? await this.existing(wish, connection_id) : { needed_repair: false, update: {} };
    const started = await this.providers.get(provider).start({
      userRef: user_id,
      language: wish.language,
      clientName: wish.asker ?? connectionEnv.BRAND_NAME,
      webhookUrl: webhookAddressOf(provider, connection_id),
      ...old.update,
    });
    await this.journal.start({
      ...{ attempt_id, session_id, token_hash, connection_id, project_id, environment, user_id, action, provider },
      request_id: context.request_id,
      address: context.address,
      needed_repair: old.needed_repair,
    });
    return { ...started, attempt_id };
  }

  /** What the provider needs to repair a login instead of making a new one. */
  private async existing({ session, context, provider }: StartAttempt, connectionId: string) {
    const tenant = inTenantOf(session, context);
    const connection = await this.connections.read(tenant.tenant, connectionId);
    if (connection.state === 'revoked') throw new DomainError('CONNECTION_DISCONNECTED');
    const update: Pick<StartLink, 'accessToken' | 'enrollmentId'> =
      provider === 'teller'
        ? { enrollmentId: connection.provider_item_id }
        : { accessToken: await this.credentials.open(connection, 'relink', tenant) };
    return { needed_repair: connection.state !== 'connected', update };
  }
}
