import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AuditStreamQuery, auditStreamQuery, toEntry } from '#contracts/api/audit.js';
import type { AuditChanges, AuditNarrowing } from '#contracts/audit.js';
import type { Context, Position } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { refusalOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { type EventStream, lastEventId, streamed } from './event-stream.js';
import { VerifiedKeys } from './key-cache.js';
import { Services } from './services.js';
import { keyAsOwner, MOST_OF_A_KEY } from './open-streams.js';
import { Caller, RequestQuery } from './params.js';

/** How long the service may keep us waiting for news; well below the bus's own deadline. */
const WAIT_MS = 3_000;
const PAUSE_MS = 250;

const live = {
  summary: 'Follow the audit timeline as Server-Sent Events',
  description:
    'Event `entry`, `id` its position, `data` the entry, in the order of positions. It begins with what comes from now on, ' +
    'or after `Last-Event-ID`: none is lost and none comes twice, but one that was parked and is applied later, at its old ' +
    'position, does not come. An `id` without data moves on where to resume from. ' +
    `At most ${MOST_OF_A_KEY} streams may be open with one key.`,
  query: auditStreamQuery,
  reply: { 200: null },
  isStream: true,
};

interface Watch {
  context: Context;
  /** The hash of the key it was opened with: it ends when that one does. */
  keyHash: string;
  filter: AuditNarrowing;
}

/** The timeline as it goes on. A part that is away for a moment does not end the stream: it goes on where it stood. */
@Controller()
export class AuditStreamController {
  constructor(
    private readonly services: Services,
    private readonly bus: Bus,
    private readonly keys: VerifiedKeys,
  ) {}

  @Endpoint({ method: 'GET', path: '/api/v1/audit/stream', access: 'any', ...live })
  household(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() context: Context,
    @RequestQuery() filter: AuditStreamQuery,
  ): Promise<void> {
    return this.follow(request, reply, { context, filter, keyHash: hashSecret(request.secret) });
  }

  @Endpoint({ method: 'GET', path: '/v1/audit/stream', access: 'connections:read', ...live })
  platform(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() context: Context,
    @RequestQuery() filter: AuditStreamQuery,
  ): Promise<void> {
    return this.follow(request, reply, { context, filter, keyHash: hashSecret(request.secret) });
  }

  private async follow(request: FastifyRequest, reply: FastifyReply, watch: Watch): Promise<void> {
    const last = lastEventId(request);
    const { context, filter } = watch;
    // What is refused is refused before the stream begins, as JSON like everything else. From now on is after what the caller has written.
    const start = await this.services.read('audit.changes', {
      context,
      filter,
      wait_ms: 0,
      ...(last !== undefined && { since: last }),
    });
    await streamed(reply, keyAsOwner(request.key!.id), (stream) => this.tell(stream, watch, start));
  }

  private async tell(stream: EventStream, watch: Watch, start: AuditChanges): Promise<void> {
    for (
      let news: AuditChanges | null = start;
      news && !stream.isClosed;
      news = await this.next(watch, news.position)
    ) {
      for (const entry of news.entries) {
        await stream.send({ id: entry.position, event: 'entry', data: toEntry(entry) });
      }
      if (news.entries.length === 0) await stream.beat(news.position);
    }
  }

  /** Null once the key is none any more: what came meanwhile is not for its holder. */
  private async next({ context, filter, keyHash }: Watch, since: Position): Promise<AuditChanges | null> {
    try {
      const news = await this.bus.ask('audit.changes', { context, filter, since, wait_ms: WAIT_MS });
      return refusalOf(await this.keys.verify(keyHash)) === null ? news : null;
    } catch (error) {
      if (!isCoded(error) || error.code !== 'UNAVAILABLE') throw error;
      await wait(PAUSE_MS);
      return { entries: [], position: since };
    }
  }
}
