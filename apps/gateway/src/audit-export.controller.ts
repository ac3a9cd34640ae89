import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type ExportQuery, exportQuery } from '#contracts/api/audit-export.js';
import type { Context } from '#contracts/envelope.js';
import { AuditExport } from './audit-export.js';
import { Endpoint } from './endpoint.js';
import { Caller, RequestQuery } from './params.js';

const spec = {
  summary: 'Export the audit timeline, oldest first',
  description:
    'Streamed. `ndjson` has one entry per line, with its place in the hash chain of the project; docs/audit-format.md ' +
    'says how to check it. With a filter it is a selection, which cannot be checked as a whole. `X-Export-Entries` says ' +
    'how many entries follow; an estimate when `X-Export-Exact` is false. It ends where the timeline stood at its start.',
  query: exportQuery,
  reply: { 200: null },
  isStream: ['application/x-ndjson', 'text/csv'],
};

@Controller()
export class AuditExportController {
  constructor(private readonly file: AuditExport) {}

  @Endpoint({ method: 'GET', path: '/api/v1/audit/export', access: 'any', ...spec })
  household(@Caller() context: Context, @RequestQuery() query: ExportQuery, @Res() reply: FastifyReply) {
    return this.file.send(context, query, reply);
  }

  @Endpoint({ method: 'GET', path: '/v1/audit/export', access: 'connections:read', ...spec })
  platform(@Caller() context: Context, @RequestQuery() query: ExportQuery, @Res() reply: FastifyReply) {
    return this.file.send(context, query, reply);
  }
}
