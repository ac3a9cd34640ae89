import { Readable } from 'node:stream';
import { Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { auditQuery, toEntry } from '#contracts/api/audit.js';
import type { AuditEntry } from '#contracts/audit.js';
import type { Context, Page } from '#contracts/envelope.js';
import { Services } from '../last-write.js';
import { Caller } from '../params.js';
import { checkedQuery } from '../validation.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';

const PAGE_MS = 4_000;

/** Who did what, when, to which thing. */
@AdminPage('admin/timeline')
export class AdminTimelineController {
  constructor(
    private readonly services: Services,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async list(
    @Caller() context: Context,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const filter = checkedQuery(auditQuery, inUtc(query), 'VALIDATION_ERROR');
    const { items: entries, next_cursor: next } = await this.services.read('audit.list', { context, filter });
    this.views.show(request, reply, 'timeline', { heading: 'Timeline', entries, next, filter, typed: query });
  }

  /** Page after page as the browser takes it: however long the timeline is, it is never held as a whole. */
  @Get('export')
  export(@Caller() context: Context, @Query() query: Record<string, unknown>, @Res() reply: FastifyReply) {
    const filter = checkedQuery(auditQuery, { ...query, limit: '200' }, 'VALIDATION_ERROR');
    const format = query['format'] === 'csv' ? 'csv' : 'ndjson';
    const pages = (cursor?: string) => {
      const ask = { context: { ...context, deadline: Date.now() + PAGE_MS }, filter: { ...filter, cursor } };
      return this.services.read('audit.list', ask);
    };
    return reply
      .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
      .header('content-disposition', `attachment; filename="timeline.${format}"`)
      .send(Readable.from(linesOf(pages, format)));
  }
}

type Pages = (cursor?: string) => Promise<Page<AuditEntry>>;

async function* linesOf(pages: Pages, format: 'csv' | 'ndjson'): AsyncGenerator<string> {
  if (format === 'csv') yield `${columns.join(',')}\r\n`;
  for (let cursor: string | undefined; ;) {
    const { items, next_cursor } = await pages(cursor);
    const lines = items.map((entry) => (format === 'csv' ? csvOf(entry) : `${JSON.stringify(toEntry(entry))}\n`));
    if (lines.length > 0) yield lines.join('');
    if (next_cursor === null) return;
    cursor = next_cursor;
  }
}

const columns = [
  'position',
  'at',
  'type',
  'actor',
  'subject_kind',
  'subject_id',
  'label',
  'summary',
  'request_id',
  'data',
];

function csvOf({ position, at, type, actor, subject, label, summary, request_id, data }: AuditEntry): string {
  const cells = [position, at, type, actor.name, subject.kind, subject.id, label ?? '', summary, request_id];
  return `${[...cells, JSON.stringify(data)].map(cell).join(',')}\r\n`;
}

/** Quoted; what a spreadsheet would take for a formula is made text. */
const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/** A browser's field for a moment says neither zone nor seconds. The page says that it means UTC. */
const inUtc = (query: Record<string, unknown>) => ({
  ...query,
  from: withZone(query['from']),
  to: withZone(query['to']),
});

const withZone = (moment: unknown): unknown =>
  typeof moment === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(moment) ? `${moment}:00Z` : moment;
