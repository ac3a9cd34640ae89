import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { ExportQuery } from '#contracts/api/audit-export.js';
import type { ExportLine } from '#contracts/audit-chain.js';
import type { AuditNarrowing } from '#contracts/audit.js';
import type { Context, Position } from '#contracts/envelope.js';
import { errors, isCoded } from '#contracts/errors.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import { csvHead, csvRecord } from './csv.js';
import { Services } from './services.js';
import { breakOff, OpenStreams } from './open-streams.js';

const PAUSE_MS = 500;
/** So long a file that has begun waits for a part that is away, and who has got nothing yet, for the first page. */
const PATIENCE_MS = 20_000;
const FIRST_MS = 4_000;
/** Each keeps a page in memory for as long as its client takes. */
const MOST_AT_ONCE = 10;

const formats = {
  ndjson: {
    type: 'application/x-ndjson; charset=utf-8',
    head: '',
    write: (line: ExportLine) => `${JSON.stringify(line)}\n`,
  },
  csv: { type: 'text/csv; charset=utf-8', head: csvHead, write: csvRecord },
};

type ExportPage = Reply<'audit.export.page'>;

/** Where the file is from. */
interface Source {
  context: Context;
  filter: AuditNarrowing;
  until: Position | null;
  /** Refuses once whoever asked for the file may not read it any more. */
  check: () => Promise<void>;
}

/** The timeline as a file, page by page from the audit service, as fast as the client takes it. */
@Injectable()
export class AuditExport implements BeforeApplicationShutdown {
  private readonly open = new OpenStreams();

  constructor(
    private readonly services: Services,
    private readonly bus: Bus,
  ) {}

  /** The server waits for every reply, and a long timeline takes minutes. */
  beforeApplicationShutdown(): void {
    this.open.breakOffAll();
  }

  async send(
    { context, check }: Pick<Source, 'context' | 'check'>,
    { format, ...query }: ExportQuery,
    reply: FastifyReply,
  ): Promise<void> {
    const subject = query.subject && (parsePlatformConnectionId(query.subject) ?? query.subject);
    const filter: AuditNarrowing = { ...query, subject: subject || undefined };
    // What is refused is refused before the file begins.
    const { until, entries, exact } = await this.services.read('audit.export.begin', { context, filter });
    const { type, head, write } = formats[format];
    // Of a body that nobody reads, all would be made.
    const isHead = reply.request.method === 'HEAD';
    const owner = { name: context.actor.id, most: MOST_AT_ONCE };
    if (!isHead) this.open.add(owner, reply.raw);
    const source = { context, filter, until, check };
    const first = isHead
      ? null
      : await this.firstPage(source).catch((error: unknown) => {
          this.open.delete(owner, reply.raw);
          throw error;
        });
    void reply.headers({
      'content-type': type,
      'content-disposition': `attachment; filename="audit.${format}"`,
      'x-export-entries': String(entries),
      'x-export-exact': String(exact),
    });
    if (isHead) return void (await reply.send());
    const chunks = this.chunks(source, first, { head, write });
    const file = Readable.from(chunks, { objectMode: false, highWaterMark: 64 * 1024 });
    file.once('close', () => this.open.delete(owner, reply.raw));
    file.once('error', (error) => {
      logger.warn({ error: String(error), request_id: reply.request.id }, 'an export was broken off');
      breakOff(reply.raw, isCoded(error) ? errors[error.code].status : 500);
    });
    await reply.send(file);
  }

  /** Null when there is none. */
  private async firstPage({ check, until, ...source }: Source): Promise<ExportPage | null> {
    return until === null ? null : this.page({ ...source, from: null, until }, check, FIRST_MS);
  }

  /** One page is in memory at a time. A client that goes away ends the loop at its next step. */
  private async *chunks(
    { check, until, ...source }: Source,
    first: ExportPage | null,
    { head, write }: { head: string; write: (line: ExportLine) => string },
  ): AsyncGenerator<string> {
    if (head) yield head;
    for (let page = first; page !== null;) {
      if (page.lines.length > 0) yield page.lines.map(write).join('');
      page = page.next === null ? null : await this.page({ ...source, from: page.next, until: until! }, check);
    }
  }

  /** A part that is away for a moment does not end the file; who may not read it any more gets no more of it. */
  private async page(
    ask: Ask<'audit.export.page'>,
    check: Source['check'],
    patienceMs = PATIENCE_MS,
  ): Promise<ExportPage> {
    for (const until = Date.now() + patienceMs; ;) {
      try {
        const page = await this.bus.ask('audit.export.page', ask);
        await check();
        return page;
      } catch (error) {
        if (!isCoded(error) || error.code !== 'UNAVAILABLE' || Date.now() + PAUSE_MS > until) throw error;
        await wait(PAUSE_MS);
      }
    }
  }
}
