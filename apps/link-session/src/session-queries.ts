import { Inject, Injectable } from '@nestjs/common';
import type { Page, Tenant } from '#contracts/envelope.js';
import type { SessionView } from '#contracts/link-session.js';
import type { Ask } from '#contracts/subjects.js';
import { decodeCursor, pageOf } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';
import { asOf, LinkSessionRow } from './link-session.view.js';

const DUE_AT_ONCE = 200;

type List = Ask<'link-session.list'>;

/** Reads of the projection. */
@Injectable()
export class SessionQueries {
  private readonly byId;
  private readonly due;

  constructor(@Inject(Store) private readonly store: Store) {
    const { dataSource } = store;
    this.byId = prepared<LinkSessionRow>(dataSource, 'session_by_id', 'select * from link_sessions where id = $1');
    this.due = prepared<LinkSessionRow>(
      dataSource,
      'sessions_due',
      `select * from link_sessions where status in ('pending', 'active') and expires_at <= $1 and in_flight = '{}'
       order by expires_at limit ${DUE_AT_ONCE}`,
    );
  }

  async find({ project_id, environment }: Tenant, id: string): Promise<SessionView | null> {
    const [row] = await this.byId([id]);
    if (row?.project_id !== project_id || row.environment !== environment) return null;
    return asOf(row, new Date().toISOString());
  }

  /** Sessions whose time has passed and whose expiry is not recorded yet. */
  async expired(now: string): Promise<SessionView[]> {
    return this.due([now]);
  }

  async list(ask: List): Promise<Page<SessionView>> {
    const now = new Date().toISOString();
    const { tenant } = ask.context;
    const after = decodeCursor(ask.cursor);
    const query = this.store.dataSource
      .getRepository(LinkSessionRow)
      .createQueryBuilder('s')
      .where('s.project_id = :project_id and s.environment = :environment', tenant)
      .orderBy('s.created_at', 'DESC')
      .addOrderBy('s.id', 'DESC')
      .limit(ask.limit + 1);
    if (ask.user_id) query.andWhere('s.user_id = :user_id', ask);
    if (ask.connection_id) query.andWhere('s.connection_id = :connection_id', ask);
    if (ask.created_after) query.andWhere('s.created_at >= :created_after', ask);
    if (ask.created_before) query.andWhere('s.created_at < :created_before', ask);
    if (after) query.andWhere('(s.created_at, s.id) < (:at, :id)', { at: after.created_at, id: after.id });
    if (ask.status) query.andWhere(`${statusNow} = :status`, { status: ask.status, now });
    return pageOf(
      (await query.getMany()).map((row) => asOf(row, now)),
      ask.limit,
    );
  }
}

/** The status at this moment: expiry counts from its time, not from when the sweep has recorded it. */
const statusNow = `(case when s.status in ('pending', 'active') and s.expires_at <= :now and s.in_flight = '{}'
  then 'expired' else s.status end)`;
