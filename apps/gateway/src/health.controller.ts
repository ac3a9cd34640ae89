import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { live, ready } from '#contracts/api/system.js';
import type { PartHealth } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { Endpoint } from './endpoint.js';

const DEADLINE_MS = 1_500;
const services = ['key', 'connection', 'link-session', 'audit'] as const;

/** For orchestrators and people on call. */
@Controller()
export class HealthController {
  constructor(private readonly bus: Bus) {}

  @Endpoint({
    method: 'GET',
    path: '/health/live',
    access: 'public',
    summary: 'Say that this process runs',
    reply: { 200: live },
  })
  live() {
    return { status: 'up' };
  }

  @Endpoint({
    method: 'GET',
    path: '/health/ready',
    access: 'public',
    summary: 'Say whether every part can be reached, and how far each view is behind',
    reply: { 200: ready, 503: ready },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const answers = await Promise.all(services.map((service) => this.ask(service)));
    const status = answers.every((answer) => answer.status === 'up') ? 'up' : 'down';
    if (status === 'down') reply.status(503);
    return { status, parts: Object.fromEntries(services.map((service, index) => [service, answers[index]])) };
  }

  /** Without versions: which servers run here is nobody's business who holds no key. */
  private async ask(service: (typeof services)[number]): Promise<Omit<PartHealth, 'versions'>> {
    const down: PartHealth = { status: 'down', views: [], parts: {} };
    const { status, views, parts } = await this.bus.ask(`${service}.health`, {}, DEADLINE_MS).catch(() => down);
    return { status, views, parts };
  }
}
