import { sha256 } from '#contracts/ids.js';
import type { Ask } from '#contracts/subjects.js';
import { listName, placeIn } from '#service/cursor.js';
import { parameters, type Placeholder, type Statement } from '#service/statement.js';

/** Its time has passed, which counts from then on, and the sweep has not recorded it yet. */
export const due = (now: string) => `status in ('pending', 'active') and expires_at <= ${now} and in_flight = '{}'`;
const NEWEST_FIRST = 'order by created_at desc, id desc';

/** All of a list but which page of it. */
export function listOf(ask: Ask<'link-session.list'>): string {
  const { context, status, user_id, connection_id, created_after, created_before } = ask;
  return listName('link_sessions', {
    ...context.tenant,
    ...{ status, user_id, connection_id, created_after, created_before },
  });
}

/**
 * A page of sessions, newest first. Whatever is asked for, an index holds it in that order (migration 0003), so that a
 * page costs the same with a thousand sessions and with a million.
 */
export function listStatement(ask: Ask<'link-session.list'>, now: string): Statement {
  const { values, value } = parameters();
  const terms = termsOf(ask, value);
  const { status, limit } = ask;
  const rows = `limit ${value(limit + 1)}`;
  const select = (more: string[]) =>
    `select * from link_sessions where ${[...terms, ...more].join(' and ')} ${NEWEST_FIRST} ${rows}`;
  if (status === 'expired') {
    const parts = [select([`status = ${value(status)}`]), select([due(value(now))])];
    const union = parts.map((part) => `(${part})`).join(' union all ');
    // That hardly anything is due shows only in the values.
    return { name: undefined, text: `select * from (${union}) s ${NEWEST_FIRST} ${rows}`, values };
  }
  const text = select(status === undefined ? [] : [`status = ${value(status)}`, `not (${due(value(now))})`]);
  return { name: `sessions_${sha256(text).slice(0, 16)}`, text, values };
}

function termsOf(ask: Ask<'link-session.list'>, value: Placeholder): string[] {
  const { user_id, connection_id, created_after, created_before, cursor, context } = ask;
  const after = placeIn(listOf(ask), cursor);
  return [
    `project_id = ${value(context.tenant.project_id)}`,
    `environment = ${value(context.tenant.environment)}`,
    user_id !== undefined && `user_id = ${value(user_id)}`,
    connection_id !== undefined && `connection_id = ${value(connection_id)}`,
    created_after !== undefined && `created_at >= ${value(created_after)}`,
    created_before !== undefined && `created_at < ${value(created_before)}`,
    after && `(created_at, id) < (${value(after.created_at)}, ${value(after.id)})`,
  ].filter((term) => typeof term === 'string');
}
