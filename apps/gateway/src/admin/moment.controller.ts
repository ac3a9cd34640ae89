import { Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuditEntry } from '#contracts/audit.js';
import type { Context } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import { Services } from '../services.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { People } from './people.service.js';

/** As many of each kind as fit on a page: those that began last. */
const MOST = 25;
const STEPS = 200;

type AsOfSubject = 'link-session.get' | 'connection.platform.get' | 'key.get';

/** What there was at a moment: the sessions, connections and keys as they were then. */
@AdminPage('admin/timeline/moment')
export class AdminMomentController {
  constructor(
    private readonly services: Services,
    private readonly people: People,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async page(@Query('at') asked: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const now = Date.now();
    const begin = await this.beginning(context, now);
    const wish = typeof asked === 'string' ? Number(asked) : NaN;
    const at = Number.isFinite(wish) ? Math.min(now, Math.max(begin, Math.round(wish))) : now;
    const time = new Date(at).toISOString();
    const [{ nameOf }, sessions, connections, keys] = await Promise.all([
      this.people.list(context),
      this.asOf(context, ['SessionMinted'], time, 'link-session.get'),
      this.asOf(context, ['ConnectionLinked', 'ConnectionCreated'], time, 'connection.platform.get'),
      this.asOf(context, ['KeyCreated'], time, 'key.get'),
    ]);
    const data = { moment: time, slider: sliderOf(begin, now, at), sessions, connections, keys, most: MOST };
    this.views.show(request, reply, 'moment', { heading: 'A moment in time', ...data, nameOf });
  }

  /** When the project's timeline begins, in epoch milliseconds. */
  private async beginning(context: Context, now: number): Promise<number> {
    const filter = { limit: 1, order: 'asc' as const };
    const { items } = await this.services.read('audit.list', { context, filter });
    return items[0] ? Date.parse(items[0].at) : now;
  }

  /** The newest things of a kind that had begun by then, each from its own stream; `begun` says whether there were any. */
  private async asOf<S extends AsOfSubject>(context: Context, types: string[], time: string, subject: S) {
    const to = new Date(Date.parse(time) + 1).toISOString();
    const pages = await Promise.all(
      types.map((type) => this.services.read('audit.list', { context, filter: { type, to, limit: MOST } })),
    );
    const begun = newestOf(pages.flatMap(({ items }) => items));
    const found = await Promise.all(begun.map(({ subject: { id } }) => this.look(context, subject, id, time)));
    return { begun: begun.length > 0, things: found.filter((thing) => thing !== null) };
  }

  /** Null for what was not there then. */
  private async look<S extends AsOfSubject>(context: Context, subject: S, id: string, time: string) {
    try {
      return await this.services.read(subject, { context, id, as_of: { time } });
    } catch (error) {
      if (isCoded(error) && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }
}

/** Of entries of several types, each newest first. */
const newestOf = (entries: AuditEntry[]): AuditEntry[] =>
  entries.sort((one, other) => (BigInt(one.position) < BigInt(other.position) ? 1 : -1)).slice(0, MOST);

/** In epoch milliseconds. A range reaches its end only if that is a whole number of steps away: it may begin a little early. */
function sliderOf(begin: number, end: number, at: number) {
  const step = Math.max(1, Math.ceil((end - begin) / STEPS));
  return { begin: end - step * Math.ceil((end - begin) / step), end, at, step };
}
