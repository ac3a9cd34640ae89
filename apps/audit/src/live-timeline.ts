import { Inject, Injectable } from '@nestjs/common';
import type { AuditChanges } from '#contracts/audit.js';
import type { Position, Tenant } from '#contracts/envelope.js';
import type { Ask } from '#contracts/subjects.js';
import type { Batch } from '#eventstore/follow.js';
import { Store } from '#service/store.js';
import { News, type Waiting } from './news.js';
import { Timeline } from './timeline.js';

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
    if (watch.since === undefined) return { entries: [], position: await this.beginning(watch.after) };
    await this.timeline.reached(watch.after);
    // Listening starts before reading, so that nothing can happen in between unheard.
    const waiting = this.news.next(watch.context.tenant, watch.wait_ms);
    return this.afterNews(watch, watch.since, waiting).finally(() => waiting.stop());
  }

  private async afterNews({ context, filter }: Watch, since: Position, waiting: Waiting): Promise<AuditChanges> {
    const { tenant } = context;
    const now = await this.timeline.after(tenant, filter, since);
    if (now.entries.length > 0) return now;
    await waiting.happened;
    return this.timeline.after(tenant, filter, now.position);
  }

  /** As the database knows it, because this process may have just begun. */
  private async beginning(after: Position | undefined): Promise<Position> {
    await this.timeline.reachedEnd(after);
    const text = `select "commit" from checkpoints where "view" = 'audit_entries'`;
    const [row] = await this.store.dataSource.query<{ commit: string }[]>(text);
    return row?.commit ?? '0';
  }

  /** One look for all who wait: whose entries were in the batch? */
  private async tellNews({ events }: Batch): Promise<void> {
    if (events.length === 0) return;
    this.news.tellAny();
    if (!this.news.isAwaited) return;
    const text = 'select distinct project_id, environment from audit_entries where position + 0 between $1 and $2';
    const range = [String(events[0]!.commit), String(events.at(-1)!.commit)];
    this.news.tell(await this.store.dataSource.query<Tenant[]>(text, range).catch(() => null));
  }
}
