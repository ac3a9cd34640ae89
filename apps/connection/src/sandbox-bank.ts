import { Injectable } from '@nestjs/common';
import type { OwnedConnection } from '#contracts/connection.js';
import type { Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { Reply } from '#contracts/subjects.js';
import { Store } from '#service/store.js';
import { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import { ConnectionQueries } from './connection-queries.js';
import { Connections } from './connections.service.js';
import { Credentials } from './credentials.service.js';
import { refusedByProvider } from './provider-refusal.js';
import { webhookAddressOf } from './webhook-address.js';

const DEADLINE_MS = 3_000;

/** What can be asked of the bank only in the sandbox. */
@Injectable()
export class SandboxBank {
  constructor(
    private readonly connections: Connections,
    private readonly credentials: Credentials,
    private readonly providers: ConfiguredProviders,
    private readonly queries: ConnectionQueries,
    private readonly store: Store,
  ) {}

  /** The bank asks for a new sign-in; the news comes back as the provider's own webhook. */
  async requireLogin(context: Context, id: string): Promise<Written<OwnedConnection>> {
    const connection = await this.connections.read(context.tenant, id);
    const accessToken = await this.credentials.open(connection, 'sandbox_require_login', context);
    const address = webhookAddressOf(connection.provider, id);
    await this.providers.get(connection.provider).resetLogin(accessToken, address).catch(refusedByProvider);
    const user = await this.queries.user(context.tenant, connection.user_id);
    return { view: { ...connection, user_name: user?.name ?? null }, position: '0' };
  }

  /** The logins that links of this tenant have made, as the bank itself says: the independent witness. */
  async ledger({ project_id, environment }: Tenant): Promise<Reply<'connection.ledger'>> {
    const { items } = await this.allItems();
    const rows = await this.store.dataSource.query<{ id: string }[]>(
      'select id from bank_items where id = any($1) and project_id = $2 and environment = $3',
      [items.map(({ id }) => id), project_id, environment],
    );
    const own = new Set(rows.map(({ id }) => id));
    return { items: items.filter(({ id }) => own.has(id)) };
  }

  private async allItems(): Promise<Reply<'connection.ledger'>> {
    if (!connectionEnv.SANDBOX || !connectionEnv.SANDBOX_BANK_URL) throw new DomainError('NOT_FOUND');
    const url = `${connectionEnv.SANDBOX_BANK_URL}/sandbox/ledger`;
    const reply = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) }).catch((cause: unknown) => {
      throw new DomainError('UNAVAILABLE', 'The sandbox bank does not answer.', undefined, { cause });
    });
    return (await reply.json()) as Reply<'connection.ledger'>;
  }
}
