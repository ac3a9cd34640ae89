import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PartHealth } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { pagesFolder } from '../pages/package-root.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';

const DEADLINE_MS = 1_500;
const services = ['key', 'connection', 'link-session', 'audit'] as const;
const down: PartHealth = { status: 'down', views: [], parts: {} };

/** Read once: another version is another process. */
const { version } = JSON.parse(readFileSync(join(pagesFolder, '../../../../package.json'), 'utf8')) as {
  version: string;
};

/** Settings → System: is every part there, and how far behind is what people read? */
@AdminPage('admin/settings/system')
export class AdminSystemController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const healths = await Promise.all(services.map((service) => this.healthOf(service)));
    const parts = services.map((name, index) => ({ name, ...healths[index]! }));
    const versions = { Latchkey: version, Node: process.version, System: `${process.platform} ${process.arch}` };
    const isWell = parts.every(({ status, views }) => status === 'up' && views.every(({ parked }) => parked === 0));
    this.views.show(request, reply, 'system', { heading: 'System', parts, versions, isWell });
  }

  private healthOf(service: (typeof services)[number]): Promise<PartHealth> {
    return this.bus.ask(`${service}.health`, {}, DEADLINE_MS).catch(() => down);
  }
}
