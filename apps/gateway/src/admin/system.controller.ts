import { Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Replay } from '#contracts/api/replays.js';
import { services } from '#contracts/services.js';
import type { PartHealth } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { version } from '#service/version.js';
import { ReadModelReplays } from '../read-model-replays.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { fieldsOf } from './forms.js';
import { partsOf, type SystemPart } from './system-parts.js';

const DEADLINE_MS = 1_500;
/** Longer than anybody waits to read what they have written. */
const MOST_LAG_MS = 5_000;
const down: PartHealth = { status: 'down', views: [], parts: {} };

/** Settings → System: is every part there, how far behind is what people read, and does it say what the events say? */
@AdminPage('admin/settings/system')
export class AdminSystemController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    private readonly replays: ReadModelReplays,
  ) {}

  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const [replay, gateway, ...healths] = await Promise.all([
      this.newestReplay(),
      this.ownHealth(),
      ...services.map((name) => this.healthOf(name)),
    ]);
    const answers = Object.fromEntries(services.map((name, index) => [name, healths[index]!]));
    const parts = partsOf({ gateway, ...answers });
    const versions = { Latchkey: version, Node: process.version, System: `${process.platform} ${process.arch}` };
    const isWell = parts.every(works);
    this.views.show(request, reply, 'system', { heading: 'System', parts, versions, isWell, replay });
  }

  @Post('replays')
  async replay(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.replays.start(callerOf(request), { verify: fieldsOf(request)['verify'] === 'yes' });
    return reply.redirect('/admin/settings/system', 303);
  }

  /** Null when there was none; undefined while a part that would know is away. */
  private async newestReplay(): Promise<Replay | null | undefined> {
    const known = await this.replays.known().catch(() => undefined);
    return known && (known[0] ?? null);
  }

  /** Of this process, which is there as long as it answers at all. */
  private async ownHealth(): Promise<PartHealth> {
    const { serverVersion: bus } = this.bus;
    const versions = { latchkey: version, ...(bus !== undefined && { bus }) };
    return { status: 'up', views: [], parts: { bus: (await this.bus.alive()) ? 'up' : 'down' }, versions };
  }

  private healthOf(service: (typeof services)[number]): Promise<PartHealth> {
    return this.bus.ask(`${service}.health`, {}, DEADLINE_MS).catch(() => down);
  }
}

const works = ({ status, views }: SystemPart): boolean =>
  status !== 'down' && views.every(({ lag_ms, parked }) => lag_ms <= MOST_LAG_MS && parked === 0);
