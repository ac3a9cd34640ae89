import { Injectable } from '@nestjs/common';
import type { ConnectionView } from '#contracts/connection.js';
import type { Page, Tenant } from '#contracts/envelope.js';
import { pageOf } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';
import { type Filter, listOf, listStatement } from './platform-list.js';

/** How a server can be reached: through a live connection, or no longer. */
export interface Reach {
  server_id: string;
  live: boolean;
}

/** The platform's reads: connections of every kind. */
@Injectable()
export class PlatformQueries {
  private readonly byId;
  private readonly reach;

  constructor(private readonly store: Store) {
    const { dataSource } = store;
    this.byId = prepared<ConnectionView>(
      dataSource,
      'platform_connection',
      'select * from connections where id = $1 and project_id = $2 and environment = $3',
    );
    this.reach = prepared<Reach>(
      dataSource,
      'platform_reach',
      `select server_id, bool_or(state in ('connected', 'error')) as live from connections
       where project_id = $1 and environment = $2 and server_id = any($3) and (user_id is null or user_id = $4)
       and state <> 'revoked' group by server_id`,
    );
  }

  async connection({ project_id, environment }: Tenant, id: string): Promise<ConnectionView | null> {
    const [row] = await this.byId([id, project_id, environment]);
    return row ?? null;
  }

  async connections(tenant: Tenant, filter: Filter): Promise<Page<ConnectionView>> {
    const { name, text, values } = listStatement(tenant, filter);
    const rows = await prepared<ConnectionView>(this.store.dataSource, name, text)(values);
    return pageOf(listOf(tenant, filter), rows, filter.limit);
  }

  /** For a user: the servers that a connection of the user, or of the whole project, leads to. */
  reachable(
    { project_id, environment }: Tenant,
    { servers, user_id }: { servers: string[]; user_id: string | null },
  ): Promise<Reach[]> {
    return this.reach([project_id, environment, servers, user_id]);
  }
}
