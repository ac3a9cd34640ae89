import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Actor, Context, Tenant } from '#contracts/envelope.js';
import type { VerifiedKey } from '#contracts/key.js';
import type { Random } from '#contracts/secrets.js';

/** A service answers or refuses before this; the bus waits half a second longer. */
const DEADLINE_MS = 4_000;
/** A bank has eight seconds to answer, and what it says is recorded after that. */
const BANK_DEADLINE_MS = 9_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the caller is known. */
    context: Context | null;
    key: VerifiedKey | null;
    /** The key as it was sent. It stays in this process. */
    secret: string;
    /** Where this request's tokens, keys and ids are drawn from. */
    random: Random;
  }
}

/** The caller's own X-Request-Id when it is a plain word, else a new UUID. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const sent = headers['x-request-id'];
  return typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : randomUUID();
}

interface Caller {
  actor: Actor;
  tenant: Tenant;
  keyPrefix: string | null;
}

/** What travels with every question on the bus. Each call makes a new command id. */
export const contextOf = (request: FastifyRequest, { actor, tenant, keyPrefix }: Caller): Context => ({
  tenant,
  actor,
  request_id: request.id,
  command_id: randomUUID(),
  address: request.ip,
  key_prefix: keyPrefix,
  deadline: Date.now() + DEADLINE_MS,
});

/** For a question that a bank answers in the end. */
export const untilBankAnswers = (context: Context): Context => ({
  ...context,
  deadline: Date.now() + BANK_DEADLINE_MS,
});

/** Lets the request act as the holder of the key. */
export function actAs(request: FastifyRequest, key: VerifiedKey, secret: string): void {
  request.key = key;
  request.secret = secret;
  request.random = randomBytes;
  request.context = contextOf(request, {
    actor: { type: 'api_key', id: key.id, name: key.actor_name ?? key.name },
    tenant: { project_id: key.project_id, environment: key.environment },
    keyPrefix: key.key_prefix,
  });
}

/** Who asks, as the guard has found out. */
export function callerOf({ context }: FastifyRequest): Context {
  if (!context) throw new Error('the caller is not known on a public route');
  return context;
}

/** The request goes on as a new one, with all its time: it has waited for another, or shows why a change was refused. */
export function renew(request: FastifyRequest): void {
  if (request.context) request.context.deadline = Date.now() + DEADLINE_MS;
}
