import { Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { exportQuery } from '#contracts/api/audit-export.js';
import { auditQuery } from '#contracts/api/audit.js';
import { DomainError } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { AuditExport } from '../audit-export.js';
import { Services } from '../services.js';
import { callerOf } from '../request-context.js';
import { checkedQuery } from '../validation.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { sessionTokenOf } from './cookies.js';

/** Who did what, when, to which thing. */
@AdminPage('admin/timeline')
export class AdminTimelineController {
  constructor(
    private readonly services: Services,
    private readonly views: AdminViews,
    private readonly file: AuditExport,
    private readonly bus: Bus,
  ) {}

  @Get()
  async list(@Query() query: Record<string, unknown>, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const filter = checkedQuery(auditQuery, inUtc(query), 'VALIDATION_ERROR');
    const { items: entries, next_cursor: next } = await this.services.read('audit.list', { context, filter });
    this.views.show(request, reply, 'timeline', { heading: 'Timeline', entries, next, filter });
  }

  @Get('export')
  export(@Query() query: Record<string, unknown>, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const check = () => this.requireSession(request);
    return this.file.send({ context, check }, checkedQuery(exportQuery, query, 'VALIDATION_ERROR'), reply);
  }

  /** A long file ends with the session of whoever asked for it, and is no sign that they are still there. */
  private async requireSession(request: FastifyRequest): Promise<void> {
    const token_hash = hashSecret(sessionTokenOf(request)!);
    if (!(await this.bus.ask('key.operator.session', { token_hash, touch: false }))) throw new DomainError('FORBIDDEN');
  }
}

/** A browser's field for a moment says neither zone nor seconds. The page says that it means UTC. */
const inUtc = (query: Record<string, unknown>) => ({
  ...query,
  from: withZone(query['from']),
  to: withZone(query['to']),
});

const withZone = (moment: unknown): unknown =>
  typeof moment === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(moment) ? `${moment}:00Z` : moment;
