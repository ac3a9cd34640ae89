import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type ExportQuery, exportQuery } from '#contracts/api/audit-export.js';
import type { ExportLine } from '#contracts/audit-chain.js';
import type { AuditNarrowing } from '#contracts/audit.js';
import type { Context, Position } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { Bus } from '#service/bus.js';
import { csvHead, csvRecord } from './csv.js';
import { Endpoint } from './endpoint.js';
import { Services } from './last-write.js';
import { Caller, RequestQuery } from './params.js';

const PAUSE_MS = 500;
const PATIENCE = 40;

const formats = {
  ndjson: {
    type: 'application/x-ndjson; charset=utf-8',
    head: '',
    write: (line: ExportLine) => `${JSON.stringify(line)}\n`,
  },
  csv: { type: 'text/csv; charset=utf-8', head: csvHead, write: csvRecord },
};

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

/** The timeline as a file, page by page from the audit service, as fast as the client takes it. */
@Controller()
export class AuditExportController {
  constructor(
    private readonly services: Services,
    private readonly bus: Bus,
  ) {}

  @Endpoint({ method: 'GET', path: '/api/v1/audit/export', access: 'any', ...spec })
  household(@Caller() context: Context, @RequestQuery() query: ExportQuery, @Res() reply: FastifyReply) {
    return this.send(context, query, reply);
  }

  @Endpoint({ method: 'GET', path: '/v1/audit/export', access: 'connections:read', ...spec })
  platform(@Caller() context: Context, @RequestQuery() query: ExportQuery, @Res() reply: FastifyReply) {
    return this.send(context, query, reply);
  }

  private async send(context: Context, { format, ...query }: ExportQuery, reply: FastifyReply): Promise<void> {
    const subject = query.subject && (parsePlatformConnectionId(query.subject) ?? query.subject);
    const filter: AuditNarrowing = { ...query, subject: subject || undefined };
    // What is refused is refused before the file begins.
    const { until, entries, exact } = await this.services.read('audit.export.begin', { context, filter });
    const { type, head, write } = formats[format];
    void reply.headers({
      'content-type': type,
      'content-disposition': `attachment; filename="audit.${format}"`,
      'x-export-entries': String(entries),
      'x-export-exact': String(exact),
    });
    const chunks = this.chunks({ context, filter, until }, { head, write });
    await reply.send(Readable.from(chunks, { objectMode: false, highWaterMark: 64 * 1024 }));
  }

  /** One page is in memory at a time. A client that goes away ends the loop at its next step. */
  private async *chunks(
    { context, filter, until }: { context: Context; filter: AuditNarrowing; until: Position | null },
    { head, write }: { head: string; write: (line: ExportLine) => string },
  ): AsyncGenerator<string> {
    if (head) yield head;
    if (until === null) return;
    for (let from: Position | null = null; ;) {
      const page: { lines: ExportLine[]; next: Position | null } = await this.page({ context, filter, from, until });
      if (page.lines.length > 0) yield page.lines.map(write).join('');
      if (page.next === null) return;
      from = page.next;
    }
  }

  /** A part that is away for a moment does not end the file. */
  private async page(ask: { context: Context; filter: AuditNarrowing; from: Position | null; until: Position }) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.bus.ask('audit.export.page', ask);
      } catch (error) {
        if (!isCoded(error) || error.code !== 'UNAVAILABLE' || attempt === PATIENCE) throw error;
        await wait(PAUSE_MS);
      }
    }
  }
}
