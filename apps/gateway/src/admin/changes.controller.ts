import { setTimeout as wait } from 'node:timers/promises';
import { Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import { Bus } from '#service/bus.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';

const LOOK_EVERY_MS = 700;
const WAIT_MS = 20_000;
const DEADLINE_MS = 2_000;

/** Lets a page that is open know that something has happened, so that it can load itself anew. */
@AdminPage('admin/changes')
export class ChangesController {
  constructor(private readonly bus: Bus) {}

  /** Answers as soon as the newest event is another one than `after`, when it has waited long enough, or when the server closes. */
  @Get()
  async next(@Query('after') after: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const until = performance.now() + WAIT_MS;
    const { closing } = request.server;
    let newest = await this.newest(context);
    while (newest === after && performance.now() < until && !request.raw.destroyed && !closing.aborted) {
      await wait(LOOK_EVERY_MS, undefined, { signal: closing }).catch(() => undefined);
      newest = await this.newest(context);
    }
    return reply.type('application/json').send(JSON.stringify({ newest }));
  }

  /** Of a timeline that is away nothing is known, which is no change either. */
  private async newest(context: Context): Promise<string | null> {
    try {
      const ask = { context: { ...context, deadline: Date.now() + DEADLINE_MS }, filter: { limit: 1 } };
      return (await this.bus.ask('audit.list', ask, DEADLINE_MS)).items[0]?.position ?? '';
    } catch (error) {
      if (isCoded(error) && error.code === 'UNAVAILABLE') return null;
      throw error;
    }
  }
}
