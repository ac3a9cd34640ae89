import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isCoded } from '#contracts/errors.js';
import type { PageFacts, SessionView } from '#contracts/link-session.js';
import { Bus } from '#service/bus.js';
import { Public } from '../endpoint.js';
import { type EventStream, streamed } from '../event-stream.js';
import { linkAsOwner } from '../open-streams.js';
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
    await streamed(reply, linkAsOwner(visit.proof.token_hash), (stream) => this.tell(stream, visit, first));
  }

  private async tell(stream: EventStream, visit: Visit, first: Followed): Promise<void> {
    let page = first;
    for (let news: Followed | null = first; !stream.isClosed; news = await this.next(visit, page)) {
      if (news) {
        page = news;
        await stream.send({ event: 'page', data: followedStateOf(page) });
        // Nothing follows an end; the browser is told to stop asking.
        if (ENDS.includes(page.session.status)) return stream.send({ event: 'end', data: {} });
      } else {
        await stream.beat();
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
