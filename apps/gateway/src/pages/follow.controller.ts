import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isCoded } from '#contracts/errors.js';
import type { PageFacts, SessionView } from '#contracts/link-session.js';
import { Bus } from '#service/bus.js';
import { Public } from '../endpoint.js';
import { followedStateOf } from './page-state.js';
import { type Visit, Visits } from './visits.service.js';

/** How long a service may keep us waiting for news; well below the bus's own deadline. */
const WAIT_MS = 3_000;
const PAUSE_MS = 500;
const ENDS = ['completed', 'failed', 'expired'];

type Followed = PageFacts & { session: SessionView };

/** The session of the cookie as Server-Sent Events, so that a page shows what happens at another device. */
@Controller('link/s/:sid/events')
@Public()
export class FollowController {
  constructor(
    @Inject(Visits) private readonly visits: Visits,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @Get()
  async follow(@Param('sid') sid: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const visit = this.visits.byCookie(request, sid);
    // What is refused is refused before the stream begins, as JSON like everything else.
    const first = await this.visits.page(request, visit);
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    if (request.method !== 'HEAD') await this.tell(reply, visit, first);
    reply.raw.end();
  }

  private async tell(reply: FastifyReply, visit: Visit, first: Followed): Promise<void> {
    let page = first;
    for (let news: Followed | null = first; ; news = await this.next(visit, page)) {
      if (reply.raw.destroyed) return;
      if (news) {
        page = news;
        reply.raw.write(`event: page\ndata: ${JSON.stringify(followedStateOf(page))}\n\n`);
        // Nothing follows an end; the browser is told to stop asking.
        if (ENDS.includes(page.session.status)) return void reply.raw.write('event: end\ndata: {}\n\n');
      } else {
        reply.raw.write(': waiting\n\n');
      }
    }
  }

  /** A part that is away for a moment does not end the stream. */
  private async next({ proof }: Visit, { position }: Followed): Promise<Followed | null> {
    try {
      return await this.bus.ask('link-session.page.next', { ...proof, after: position, wait_ms: WAIT_MS });
    } catch (error) {
      if (!isCoded(error) || error.code !== 'UNAVAILABLE') throw error;
      return wait(PAUSE_MS, null);
    }
  }
}
