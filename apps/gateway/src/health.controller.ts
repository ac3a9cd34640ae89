import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { live, ready } from '#contracts/api/system.js';
import { services } from '#contracts/services.js';
import type { PartHealth } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { Endpoint } from './endpoint.js';

const DEADLINE_MS = 1_500;
/** How long an answer is given again. Whoever waits for a part to come back hears it sooner than that one has gone. */
const KEPT_MS = { up: 1_000, down: 250 };

type Part = Omit<PartHealth, 'versions'>;

interface Readiness {
  status: 'up' | 'down';
  parts: Record<string, Part>;
}

/** For orchestrators and people on call. */
@Controller()
export class HealthController {
  private answer: Promise<Readiness> | null = null;

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
    const answer = await this.shared();
    if (answer.status === 'down') reply.status(503);
    return answer;
  }

  /** One look at the parts for all who ask at about the same time: nobody needs a key to ask. */
  private shared(): Promise<Readiness> {
    if (this.answer) return this.answer;
    this.answer = this.look();
    void this.answer.then(({ status }) => setTimeout(() => (this.answer = null), KEPT_MS[status]).unref());
    return this.answer;
  }

  private async look(): Promise<Readiness> {
    const answers = await Promise.all(services.map((service) => this.ask(service)));
    const status = answers.every((answer) => answer.status === 'up') ? 'up' : 'down';
    return { status, parts: Object.fromEntries(services.map((service, index) => [service, answers[index]!])) };
  }

  /** Without versions: which servers run here is nobody's business who holds no key. */
  private async ask(service: (typeof services)[number]): Promise<Part> {
    const down: PartHealth = { status: 'down', views: [], parts: {} };
    const { status, views, parts } = await this.bus.ask(`${service}.health`, {}, DEADLINE_MS).catch(() => down);
    return { status, views, parts };
  }
}
