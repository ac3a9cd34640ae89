import { Injectable } from '@nestjs/common';
import { type PlatformStatus, statesOf } from '#contracts/api/platform-connections.js';
import type { ConnectionView } from '#contracts/connection.js';
import type { Page, Tenant } from '#contracts/envelope.js';
import { listName, pageOf, placeIn } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';

interface Filter {
  user_id?: string | undefined;
  server_id?: string | undefined;
  status?: PlatformStatus | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** How a server can be reached: through a live connection, or no longer. */
export interface Reach {
  server_id: string;
  live: boolean;
}

/** The platform's reads: connections of every kind. */
@Injectable()
export class PlatformQueries {
  private readonly byId;
  private readonly page;
  private readonly reach;

  constructor({ dataSource }: Store) {
    this.byId = prepared<ConnectionView>(
      dataSource,
      'platform_connection',
      'select * from connections where id = $1 and project_id = $2 and environment = $3',
    );
    this.page = prepared<ConnectionView>(
      dataSource,
      'platform_connections',
      `select * from connections where project_id = $1 and environment = $2
       and ($3::text is null or (created_at, id) < ($3, $4::uuid))
       and ($6::text is null or user_id = $6) and ($7::text is null or server_id = $7)
       and ($8::text[] is null or state = any($8)) order by created_at desc, id desc limit $5`,
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

  async connections({ project_id, environment }: Tenant, filter: Filter): Promise<Page<ConnectionView>> {
    const { user_id = null, server_id = null, status, limit, cursor } = filter;
    const list = listName('platform_connections', { project_id, environment, user_id, server_id, status });
    const after = placeIn(list, cursor);
    const place = [project_id, environment, after?.created_at ?? null, after?.id ?? null, limit + 1];
    return pageOf(list, await this.page([...place, user_id, server_id, status ? statesOf(status) : null]), limit);
  }

  /** For a user: the servers that a connection of the user, or of the whole project, leads to. */
  reachable(
    { project_id, environment }: Tenant,
    { servers, user_id }: { servers: string[]; user_id: string | null },
  ): Promise<Reach[]> {
    return this.reach([project_id, environment, servers, user_id]);
  }
}
