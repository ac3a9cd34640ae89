import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toLinkSession } from '#contracts/api/link-sessions.js';
import type { Context, Position } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import type { SessionChanges } from '#contracts/link-session.js';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { refusalOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { type EventStream, lastEventId, streamed } from './event-stream.js';
import { idInPath } from './ids.js';
import { VerifiedKeys } from './key-cache.js';
import { keyAsOwner, MOST_OF_A_KEY } from './open-streams.js';
import { Caller } from './params.js';

/** How long a service may keep us waiting for news; well below the bus's own deadline. */
const WAIT_MS = 3_000;
const PAUSE_MS = 500;

interface Watch {
  context: Context;
  /** The hash of the key it was opened with: it ends when that one does. */
  keyHash: string;
  id: string;
  after?: Position;
}

/** One session as Server-Sent Events: first its state, then each change, then the end of the stream. */
@Controller()
export class LinkEventsController {
  constructor(
    private readonly bus: Bus,
    private readonly keys: VerifiedKeys,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/link/:id/events',
    access: 'any',
    summary: 'Follow a link session as Server-Sent Events',
    description:
      'Event `session`, `id` the position, `data` the session object. It begins with the state now, or after ' +
      '`Last-Event-ID` with each change since then, and closes once the session has ended. An EventSource then comes again: ' +
      '204, which ends it, says that there is nothing after its `Last-Event-ID` any more. ' +
      `At most ${MOST_OF_A_KEY} streams may be open with one key.`,
    reply: { 200: null, 204: null },
    isStream: true,
    errors: ['NOT_FOUND', 'VALIDATION_ERROR'],
  })
  async follow(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() context: Context,
    @Param('id') id: string,
  ): Promise<void> {
    const after = lastEventId(request);
    const keyHash = hashSecret(request.secret);
    const watch: Watch = { context, keyHash, id: idInPath('link_session', id), ...(after !== undefined && { after }) };
    // What is refused is refused before the stream begins, as JSON like everything else.
    const first = await this.ask(watch, 0);
    if (first.ended && first.changes.length === 0) return void reply.status(204).send();
    await streamed(reply, keyAsOwner(request.key!.id), (stream) => this.tell(stream, watch, first));
  }

  private async tell(stream: EventStream, watch: Watch, first: SessionChanges): Promise<void> {
    let after = watch.after;
    for (
      let news: SessionChanges | null = first;
      news && !stream.isClosed;
      news = await this.next({ ...watch, ...(after && { after }) })
    ) {
      for (const { position, session } of news.changes) {
        await stream.send({ id: position, event: 'session', data: toLinkSession(session) });
        after = position;
      }
      if (news.ended) break;
      if (news.changes.length === 0) await stream.beat(after);
    }
  }

  /**
   * A part that is away for a moment does not end the stream: the next question goes on where this one stood. Null once
   * the key is none any more: what came meanwhile is not for its holder.
   */
  private async next(watch: Watch): Promise<SessionChanges | null> {
    try {
      const news = await this.ask(watch, WAIT_MS);
      return refusalOf(await this.keys.verify(watch.keyHash)) === null ? news : null;
    } catch (error) {
      if (!isCoded(error) || error.code !== 'UNAVAILABLE') throw error;
      await wait(PAUSE_MS);
      return { changes: [], ended: false };
    }
  }

  private ask({ keyHash: _, ...watch }: Watch, wait_ms: number): Promise<SessionChanges> {
    return this.bus.ask('link-session.changes', { ...watch, wait_ms });
  }
}
