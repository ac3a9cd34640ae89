import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import type { VerifiedKey } from '#contracts/key.js';
import type { Random } from '#contracts/secrets.js';
import { type EndpointSpec, endpointOf } from './endpoint.js';
import { jsonBodyOf } from './json-body.js';
import { callerOf } from './request-context.js';
import { parameterFault } from './surface.js';
import { checkedBody, checkedQuery } from './validation.js';

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>();

/** A route that uses a part of the request has to have declared it. */
function declared<K extends keyof EndpointSpec>(context: ExecutionContext, part: K): NonNullable<EndpointSpec[K]> {
  const value = endpointOf(context.getHandler())?.[part];
  if (value === undefined) throw new Error(`${context.getHandler().name} declares no ${part}`);
  return value;
}

/** The body, as the endpoint's schema reads it. */
export const RequestBody = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  const schema = declared(context, 'body');
  const body = jsonBodyOf(requestOf(context));
  if (body || endpointOf(context.getHandler())?.bodyOptional) return checkedBody(schema, body ?? {});
  throw new DomainError('INVALID_BODY', 'A JSON body is required.');
});

/** The query, as the endpoint's schema reads it. */
export const RequestQuery = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  const code = parameterFault(endpointOf(context.getHandler()));
  return checkedQuery(declared(context, 'query'), requestOf(context).query, code);
});

/** Who asks, as the guard has found out. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext) => callerOf(requestOf(context)));

/** Where to draw tokens, keys and ids from. Looked up at each draw: an Idempotency-Key puts its own source there later. */
export const Randomness = createParamDecorator(
  (_: unknown, context: ExecutionContext): Random =>
    (bytes) =>
      requestOf(context).random(bytes),
);

/** The key the caller came with. */
export const CallerKey = createParamDecorator((_: unknown, context: ExecutionContext): VerifiedKey => {
  const { key } = requestOf(context);
  if (!key) throw new Error('the caller is not known on a public route');
  return key;
});
