import { Inject, Injectable } from '@nestjs/common';
import type { AuditChanges } from '#contracts/audit.js';
import type { Position, Tenant } from '#contracts/envelope.js';
import type { Ask } from '#contracts/subjects.js';
import type { Batch } from '#eventstore/follow.js';
import { Store } from '#service/store.js';
import { News, type Waiting } from './news.js';
import { Timeline } from './timeline.js';

const AT_ONCE = 200;

type Watch = Ask<'audit.changes'>;

/** The timeline as it goes on: whatever comes after a position, in order, each entry once. */
@Injectable()
export class LiveTimeline {
  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly timeline: Timeline,
    private readonly news: News,
  ) {
    timeline.onApplied = (batch) => void this.tellNews(batch);
  }

  async changes(watch: Watch): Promise<AuditChanges> {
    await this.timeline.reached(watch.after);
    if (watch.since === undefined) return { entries: [], position: await this.beginning() };
    // Listening starts before reading, so that nothing can happen in between unheard.
    const waiting = this.news.next(watch.context.tenant, watch.wait_ms);
    return this.afterNews(watch, watch.since, waiting).finally(() => waiting.stop());
  }

  private async afterNews(watch: Watch, since: Position, waiting: Waiting): Promise<AuditChanges> {
    const now = await this.since(watch, since);
    if (now.entries.length > 0) return now;
    await waiting.happened;
    return this.since(watch, now.position);
  }

  /**
   * Where the view stands is looked at first: every entry up to there is committed and seen by the query that follows, and
   * the next question may begin behind it.
   */
  private async since({ context, filter }: Watch, since: Position): Promise<AuditChanges> {
    const here = this.timeline.position;
    const entries = await this.timeline.after(context.tenant, filter, { since, limit: AT_ONCE });
    const last = entries.at(-1)?.position ?? since;
    return { entries, position: entries.length === AT_ONCE ? last : laterOf(laterOf(here, last), since) };
  }

  /** As the database knows it, because this process may have just begun. */
  private async beginning(): Promise<Position> {
    const text = `select "commit" from checkpoints where "view" = 'audit_entries'`;
    const [row] = await this.store.dataSource.query<{ commit: string }[]>(text);
    return row?.commit ?? '0';
  }

  /** One look for all who wait: whose entries were in the batch? */
  private async tellNews({ events }: Batch): Promise<void> {
    if (events.length === 0) return;
    this.news.tellAny();
    if (!this.news.isAwaited) return;
    const text = 'select distinct project_id, environment from audit_entries where position between $1 and $2';
    const range = [String(events[0]!.commit), String(events.at(-1)!.commit)];
    this.news.tell(await this.store.dataSource.query<Tenant[]>(text, range).catch(() => null));
  }
}

const laterOf = (one: Position, other: Position): Position => (BigInt(one) > BigInt(other) ? one : other);
