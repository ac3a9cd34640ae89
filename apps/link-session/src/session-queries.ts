import { Inject, Injectable } from '@nestjs/common';
import type { Page, Tenant } from '#contracts/envelope.js';
import type { SessionView } from '#contracts/link-session.js';
import type { Ask } from '#contracts/subjects.js';
import { isOf } from '#contracts/tenancy.js';
import { pageOf } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { sharedNow } from '#service/shared-clock.js';
import { Store } from '#service/store.js';
import { due, listOf, listStatement } from './session-list.js';
import { sessionAt, type LinkSessionRow } from './link-session.view.js';

const DUE_AT_ONCE = 200;

/** Reads of the projection. */
@Injectable()
export class SessionQueries {
  private readonly byId;
  private readonly due;
  private readonly ofUser;

  constructor(@Inject(Store) private readonly store: Store) {
    const { dataSource } = store;
    this.byId = prepared<LinkSessionRow>(dataSource, 'session_by_id', 'select * from link_sessions where id = $1');
    this.due = prepared<LinkSessionRow>(
      dataSource,
      'sessions_due',
      `select * from link_sessions where ${due('$1')}
       order by expires_at limit ${DUE_AT_ONCE}`,
    );
    this.ofUser = prepared<{ id: string }>(
      dataSource,
      'open_sessions_of_user',
      `select id from link_sessions where project_id = $1 and environment = $2 and user_id = $3
       and status in ('pending', 'active')`,
    );
  }

  async find(tenant: Tenant, id: string): Promise<SessionView | null> {
    const [row] = await this.byId([id]);
    return isOf(tenant, row) ? sessionAt(row, new Date().toISOString()) : null;
  }

  /** Sessions whose time has passed and whose expiry is not recorded yet, as many as one looks for at once. */
  async expired(): Promise<{ now: string; due: SessionView[]; isAll: boolean }> {
    const now = await sharedNow(this.store.dataSource);
    const due = await this.due([now]);
    return { now, due, isAll: due.length < DUE_AT_ONCE };
  }

  /** Of a user's sessions those that can still be used, or wait for the record that they have expired. */
  openOf({ project_id, environment }: Tenant, userId: string): Promise<{ id: string }[]> {
    return this.ofUser([project_id, environment, userId]);
  }

  /** Each combination of filters is a text of its own, prepared once per connection under its own name. */
  async list(ask: Ask<'link-session.list'>): Promise<Page<SessionView>> {
    const now = new Date().toISOString();
    const { name, text, values } = listStatement(ask, now);
    const rows = await prepared<LinkSessionRow>(this.store.dataSource, name, text)(values);
    return pageOf(
      listOf(ask),
      rows.map((row) => sessionAt(row, now)),
      ask.limit,
    );
  }
}
