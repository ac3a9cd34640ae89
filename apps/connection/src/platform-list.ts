import { type PlatformStatus, statesOf } from '#contracts/api/platform-connections.js';
import type { Tenant } from '#contracts/envelope.js';
import { sha256 } from '#contracts/ids.js';
import { listName, placeIn } from '#service/cursor.js';
import { parameters, type Placeholder, type Statement } from '#service/statement.js';

export interface Filter {
  user_id?: string | undefined;
  server_id?: string | undefined;
  status?: PlatformStatus | undefined;
  limit: number;
  cursor?: string | undefined;
}

const NEWEST_FIRST = 'order by created_at desc, id desc';

/** All of a list but which page of it. */
export function listOf({ project_id, environment }: Tenant, filter: Filter): string {
  const { user_id = null, server_id = null, status } = filter;
  return listName('platform_connections', { project_id, environment, user_id, server_id, status });
}

/**
 * A page of connections, newest first. Each set of filters is a text of its own, and an index holds its rows in the list's
 * order (migration 0013), one state at a time; a user's are few, so that their order and filters cost nothing.
 */
export function listStatement(tenant: Tenant, filter: Filter): Statement {
  const { values, value } = parameters();
  const terms = termsOf(tenant, filter, value);
  const rows = `limit ${value(filter.limit + 1)}`;
  const select = (...more: string[]) =>
    `select * from connections where ${[...terms, ...more].join(' and ')} ${NEWEST_FIRST} ${rows}`;
  const text = textOf(filter, { select, value, end: `${NEWEST_FIRST} ${rows}` });
  return { name: `platform_connections_${sha256(text).slice(0, 16)}`, text, values };
}

interface Parts {
  select: (...more: string[]) => string;
  value: Placeholder;
  end: string;
}

function textOf({ user_id, server_id, status }: Filter, { select, value, end }: Parts): string {
  const states = statesOf(status);
  if (user_id !== undefined) return status ? select(`state = any(${value(states)})`) : select();
  if (server_id === undefined && status === undefined) return select();
  const parts = states.map((state) => `(${select(`state = ${value(state)}`)})`);
  return parts.length > 0 ? `select * from (${parts.join(' union all ')}) c ${end}` : select('false');
}

function termsOf(tenant: Tenant, filter: Filter, value: Placeholder): string[] {
  const { user_id, server_id, cursor } = filter;
  const after = placeIn(listOf(tenant, filter), cursor);
  return [
    `project_id = ${value(tenant.project_id)}`,
    `environment = ${value(tenant.environment)}`,
    user_id !== undefined && `user_id = ${value(user_id)}`,
    server_id !== undefined && `server_id = ${value(server_id)}`,
    after && `(created_at, id) < (${value(after.created_at)}, ${value(after.id)})`,
  ].filter((term) => typeof term === 'string');
}
