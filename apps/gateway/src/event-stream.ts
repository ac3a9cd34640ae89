import { once } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { OpenStreams, type StreamOwner } from './open-streams.js';
import { parameterFault } from './surface.js';

const LAST_POSITION = 2n ** 63n - 1n;

declare module 'fastify' {
  interface FastifyInstance {
    eventStreams: OpenStreams;
    /** The server is about to close: whoever waits for news answers with what there is. */
    closing: AbortSignal;
  }
  interface FastifyReply {
    isEventStream: boolean;
  }
}

/** A server that closes waits for every reply, and these would go on for ever; and for every connection that is kept. */
export function endStreamsOnClose(fastify: FastifyInstance): void {
  const closing = new AbortController();
  fastify.decorate('closing', closing.signal);
  fastify.decorate('eventStreams', new OpenStreams());
  fastify.decorateReply('isEventStream', false);
  fastify.addHook('preClose', (done) => {
    closing.abort();
    fastify.eventStreams.endAll();
    done();
  });
  fastify.addHook('onResponse', (_request, _reply, done) => {
    if (closing.signal.aborted) fastify.server.closeIdleConnections();
    done();
  });
}

/** A reply of Server-Sent Events. From its making on nothing can be refused any more. */
export class EventStream {
  private readonly raw;
  private readonly closed: Promise<unknown>;

  constructor(reply: FastifyReply) {
    reply.hijack();
    reply.isEventStream = true;
    this.raw = reply.raw;
    this.closed = new Promise((resolve) => this.raw.once('close', resolve));
    this.raw.on('error', () => this.raw.destroy());
    this.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    // Closed from the beginning: nothing is followed for a client that wants no body.
    if (reply.request.method === 'HEAD') this.raw.end();
  }

  get isClosed(): boolean {
    return this.raw.destroyed || this.raw.writableEnded;
  }

  send({ id, event, data }: { id?: Position; event: string; data: object }): Promise<void> {
    return this.write(`${idLine(id)}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** A comment shows both ends that the other is there; an id without data moves on what a reconnect resumes from. */
  beat(id?: Position): Promise<void> {
    return this.write(`: waiting\n${idLine(id)}\n`);
  }

  end(): void {
    this.raw.end();
  }

  /** A reader that is slower than the news is waited for. */
  private async write(text: string): Promise<void> {
    if (this.isClosed || this.raw.write(text)) return;
    await Promise.race([once(this.raw, 'drain').catch(() => undefined), this.closed]);
  }
}

const idLine = (id: Position | undefined): string => (id === undefined ? '' : `id: ${id}\n`);

type Tell = (stream: EventStream) => Promise<void>;

/**
 * The reply is what `tell` sends, unless its owner has too many open already. A stream counts until nothing is told any
 * more: a client that has gone is noticed when the news come that it waited for.
 */
export async function streamed(reply: FastifyReply, owner: StreamOwner, tell: Tell): Promise<void> {
  const { eventStreams, closing } = reply.server;
  // Those that are open have been ended by now: nobody would end this one.
  if (closing.aborted) throw new DomainError('UNAVAILABLE');
  eventStreams.add(owner, reply.raw);
  try {
    await told(reply, tell);
  } finally {
    eventStreams.delete(owner, reply.raw);
  }
}

/** A failure ends it, too: the client comes again and goes on where it stood. */
async function told(reply: FastifyReply, tell: Tell): Promise<void> {
  const stream = new EventStream(reply);
  try {
    await tell(stream);
  } catch (error) {
    const { id, routeOptions } = reply.request;
    logger.error({ request_id: id, route: routeOptions.url, err: error }, 'a stream of events ended');
  }
  stream.end();
}

/** Where a client that reconnects has got to. */
export function lastEventId({ headers, routeOptions }: FastifyRequest): Position | undefined {
  const last = headers['last-event-id'];
  if (last === undefined || last === '') return undefined;
  if (typeof last === 'string' && /^\d{1,19}$/.test(last) && BigInt(last) <= LAST_POSITION) return last;
  throw new DomainError(
    parameterFault(routeOptions.config.endpoint),
    'Last-Event-ID must be the id of an event of this stream',
  );
}
