import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { logger } from '#service/logger.js';
import type { Metrics } from './metrics.js';

/** Whoever asked has gone before the whole answer was sent; the number is nginx's. */
const CLIENT_LEFT = 499;

/** Answers that we have broken off ourselves, or given without the framework, with the status that says why. */
const brokenOff = new WeakMap<ServerResponse, number>();
export const breaksOff = (raw: ServerResponse, status: number): void => void brokenOff.set(raw, status);

/**
 * One line and one count per request, also of one whose client does not wait for the answer. (Of requests that a client has
 * pipelined, Node tells none but the first that the connection has gone.)
 */
export function recordRequests(fastify: FastifyInstance, metrics: Metrics): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    let isWhole = false;
    reply.raw.once('finish', () => (isWhole = true));
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'none';
      // A stream of events has no other end than that one side leaves.
      const isOver = isWhole || reply.isEventStream;
      const status = brokenOff.get(reply.raw) ?? (isOver ? reply.statusCode : CLIENT_LEFT);
      const ms = performance.now() - startedAt;
      // It is open for as long as its reader likes, which says nothing about how fast we are.
      metrics.observe({ route, method: request.method, status }, reply.isEventStream ? null : ms);
      logRequest(request, { route, status, ms: Math.round(ms * 10) / 10 });
    });
    done();
  });
}

/** A path, a query or a body may hold secrets: none of them is logged. */
function logRequest(request: FastifyRequest, answer: { route: string; status: number; ms: number }): void {
  logger.info(
    { method: request.method, ...answer, request_id: request.id, key_prefix: request.key?.key_prefix },
    'request',
  );
}
