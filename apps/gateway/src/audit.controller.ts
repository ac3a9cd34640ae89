import { Controller, Param } from '@nestjs/common';
import {
  auditPage,
  type AuditQuery,
  auditQuery,
  type TimelineQuery,
  timelineQuery,
  toEntry,
} from '#contracts/api/audit.js';
import type { Context } from '#contracts/envelope.js';
import { Endpoint } from './endpoint.js';
import { householdPage } from './household-page.js';
import { idInPath, notFound } from './ids.js';
import { Services } from './services.js';
import { Caller, RequestQuery } from './params.js';

const newestFirst = { summary: 'Read the audit timeline, newest first', query: auditQuery, reply: { 200: auditPage } };
const oldestFirst = { access: 'any' as const, query: timelineQuery, reply: { 200: auditPage } };

/** Who did what, when, to which thing, from where and with which request. */
@Controller()
export class AuditController {
  constructor(private readonly services: Services) {}

  @Endpoint({ method: 'GET', path: '/api/v1/audit', access: 'any', ...newestFirst, errors: ['INVALID_CURSOR'] })
  household(@Caller() context: Context, @RequestQuery() query: AuditQuery) {
    return this.list(context, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/audit',
    access: 'connections:read',
    ...newestFirst,
    errors: ['INVALID_CURSOR'],
  })
  platform(@Caller() context: Context, @RequestQuery() query: AuditQuery) {
    return this.list(context, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/link/:id/timeline',
    summary: 'Read what happened to a link session, oldest first',
    ...oldestFirst,
    errors: ['NOT_FOUND', 'INVALID_CURSOR'],
  })
  async session(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: TimelineQuery) {
    const id = idInPath('link_session', text);
    await this.services.read('link-session.get', { context, id });
    return this.timeline(context, id, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/:id/timeline',
    summary: 'Read what happened to a connection, oldest first',
    ...oldestFirst,
    errors: ['NOT_FOUND', 'INVALID_CURSOR'],
  })
  async connection(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: TimelineQuery) {
    const id = idInPath('connection', text);
    await this.services.read('connection.get', { context, id });
    return this.timeline(context, id, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/api-keys/:id/timeline',
    summary: 'Read what happened to an API key, oldest first',
    ...oldestFirst,
    access: 'full_access',
    errors: ['NOT_FOUND', 'INVALID_CURSOR'],
  })
  async key(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: TimelineQuery) {
    const id = idInPath('api_key', text);
    const { kind } = await this.services.read('key.get', { context, id });
    if (kind !== 'household') throw notFound('api_key');
    return this.timeline(context, id, query);
  }

  private async list(context: Context, filter: AuditQuery) {
    return householdPage('entries', await this.services.read('audit.list', { context, filter }), toEntry);
  }

  private async timeline(context: Context, subject: string, query: TimelineQuery) {
    const filter = { ...query, subject, order: 'asc' as const };
    return householdPage('entries', await this.services.read('audit.list', { context, filter }), toEntry);
  }
}
