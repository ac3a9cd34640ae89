import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';

const DEFAULT_LIMIT = 64 * 1024;

/** Stands for a body that was not kept because of its size: the refusal comes after the caller's key was looked at. */
export const TOO_LARGE = Symbol('too large');

type Done = (error: Error | null, body?: Buffer | typeof TOO_LARGE) => void;

/**
 * The parser of every content type: keeps the bytes as they came, up to the limit of the route. What is beyond it is
 * read and thrown away, so that a client that is still sending hears the answer instead of a broken connection.
 */
export function keepRaw(request: FastifyRequest, payload: NodeJS.ReadableStream, done: Done): void {
  const { endpoint, bodyLimit } = request.routeOptions.config;
  const limit = endpoint?.bodyLimit ?? bodyLimit ?? DEFAULT_LIMIT;
  let chunks: Buffer[] = [];
  let size = 0;
  payload.on('data', (chunk: Buffer) => {
    const before = size;
    size += chunk.length;
    if (size <= limit) return void chunks.push(chunk);
    chunks = [];
    if (before <= limit) done(null, TOO_LARGE);
  });
  payload.on('end', () => size <= limit && done(null, Buffer.concat(chunks, size)));
  payload.on('error', () => done(new DomainError('INVALID_BODY', 'The request body ended before it was complete.')));
}

/** The body's bytes; undefined when there is none. */
export function rawBodyOf({ body }: FastifyRequest): Buffer | undefined {
  if (body === TOO_LARGE) throw new DomainError('PAYLOAD_TOO_LARGE');
  return Buffer.isBuffer(body) && body.length > 0 ? body : undefined;
}
