import { Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Idempotency } from './idempotency.js';

declare module 'fastify' {
  interface FastifyInstance {
    idempotency: Idempotency;
  }
}

type Handler = (...args: unknown[]) => Promise<unknown>;

/** Behind all arguments that a handler names. */
const REQUEST_AT = 10;
const REPLY_AT = 11;

/**
 * Lets a POST that carries an Idempotency-Key have one effect and one answer. Not an interceptor, because these run a
 * chain of streams for every POST, with or without the header: nearly half of the CPU that a mint cost this process.
 */
export const Idempotent: MethodDecorator = (
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
): void => {
  const handle = descriptor.value as Handler;
  Req()(target, name, REQUEST_AT);
  Res({ passthrough: true })(target, name, REPLY_AT);
  descriptor.value = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const request = args[REQUEST_AT] as FastifyRequest | undefined;
    const run = () => handle.apply(this, args);
    // Without a request, one handler calls another.
    if (request?.headers['idempotency-key'] === undefined) return run();
    return request.server.idempotency.once(request, args[REPLY_AT] as FastifyReply, run);
  };
};
