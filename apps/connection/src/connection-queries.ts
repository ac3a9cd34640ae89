import { Injectable } from '@nestjs/common';
import { stateOf } from '#contracts/api/connections.js';
import type { ConnectionView, HouseholdStatus, OwnedConnection } from '#contracts/connection.js';
import type { Page, Tenant } from '#contracts/envelope.js';
import { isOf } from '#contracts/tenancy.js';
import type { UserView } from '#contracts/user.js';
import { beginningIn, listName, pageOf } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';

interface Window {
  limit: number;
  cursor?: string | undefined;
}

interface Narrowing {
  user_id?: string | undefined;
  status?: HouseholdStatus | undefined;
}

const OWNED =
  'select c.*, u.name as user_name from connections c ' +
  // Only a bank's user_id is a UUID; the platform's is any name.
  'left join users u on u.id = case when c.provider is not null then c.user_id::uuid end';
const PAGE = 'c.project_id = $1 and c.environment = $2 and (c.created_at, c.id) < ($3, $4::uuid)';
const NEWEST = 'order by c.created_at desc, c.id desc limit $5';

/** Reads of the projections. */
@Injectable()
export class ConnectionQueries {
  private readonly connectionById;
  private readonly userById;
  private readonly userPage;
  private readonly itemOf;
  private readonly liveOf;

  constructor(private readonly store: Store) {
    const { dataSource } = store;
    this.connectionById = prepared<OwnedConnection>(
      dataSource,
      'connection_by_id',
      `${OWNED} where c.id = $1 and c.provider is not null`,
    );
    this.userById = prepared<UserView>(dataSource, 'user_by_id', 'select * from users where id = $1');
    this.userPage = prepared<UserView>(dataSource, 'users_page', `select * from users c where ${PAGE} ${NEWEST}`);
    this.itemOf = prepared<ConnectionView>(
      dataSource,
      'connection_by_item',
      'select * from connections where provider = $1 and provider_item_id = $2 order by created_at desc limit 1',
    );
    this.liveOf = prepared<{ id: string | null }>(
      dataSource,
      'live_connections_of_user',
      `select null as id from link_attempts where user_id = $1::uuid and state in ('received', 'learnt')
       union all select id from connections where project_id = $2 and environment = $3 and user_id = $1::text
       and provider is not null and state <> 'revoked'`,
    );
  }

  async connection(tenant: Tenant, id: string): Promise<OwnedConnection | null> {
    const [row] = await this.connectionById([id]);
    return isOf(tenant, row) ? row : null;
  }

  async connections(tenant: Tenant, ask: Window & Narrowing): Promise<Page<OwnedConnection>> {
    const { user_id, status, limit } = ask;
    const list = listName('connections', { ...tenant, user_id: user_id ?? null, status });
    const equal = { ...(user_id && { user_id }), ...(status && { state: stateOf(status) }) };
    const terms = Object.keys(equal).map((column, n) => `and c.${column} = $${6 + n}`);
    const text = `${OWNED} where ${PAGE} and c.provider is not null ${terms.join(' ')} ${NEWEST}`;
    const name = ['connections_page', ...Object.keys(equal)].join('_of_');
    const read = prepared<OwnedConnection>(this.store.dataSource, name, text);
    return pageOf(list, await read([...window(tenant, list, ask), ...Object.values(equal)]), limit);
  }

  async user(tenant: Tenant, id: string): Promise<UserView | null> {
    const [row] = await this.userById([id]);
    return isOf(tenant, row) ? row : null;
  }

  async users(tenant: Tenant, ask: Window): Promise<Page<UserView>> {
    const list = listName('users', tenant);
    return pageOf(list, await this.userPage(window(tenant, list, ask)), ask.limit);
  }

  /** The connection a provider means when it names only its own item. */
  async byProviderItem(provider: string, itemId: string): Promise<ConnectionView | null> {
    const [row] = await this.itemOf([provider, itemId]);
    return row ?? null;
  }

  /** Ids of the user's banks; null stands for one that is being made: it is in an attempt until this view shows it. */
  async liveOfUser({ project_id, environment }: Tenant, userId: string): Promise<(string | null)[]> {
    return (await this.liveOf([userId, project_id, environment])).map(({ id }) => id);
  }
}

function window({ project_id, environment }: Tenant, list: string, { limit, cursor }: Window): unknown[] {
  const { created_at, id } = beginningIn(list, cursor);
  return [project_id, environment, created_at, id, limit + 1];
}
