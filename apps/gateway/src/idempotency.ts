import { createHmac, hkdfSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalJson } from '#contracts/canonical-json.js';
import { decrypt, encrypt } from '#contracts/cipher.js';
import { DomainError, errors, isCoded } from '#contracts/errors.js';
import type { IdempotencyState } from '#contracts/idempotency.js';
import { sha256, uuidV5 } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { jsonBodyOf } from './json-body.js';
import { timeLeft } from './services.js';
import { callerOf, renew } from './request-context.js';
import { parameterFault } from './surface.js';

const PATIENCE_MS = 10_000;
const ASK_AGAIN_MS = 100;
/** What the end of a wish may take after a handler that has used up all the time there was. */
const LAST_WORD_MS = 500;
const COMMANDS = '3f0f5d0e-6a0b-5f0c-9a0e-8f6f2f1a7b11';

type Run = Extract<IdempotencyState, { state: 'run' }>;

/** One wish: who wants what, under which name. The API key itself never leaves this process. */
interface Wish {
  scope: string;
  secret: string;
}

/**
 * `Idempotency-Key` on a POST: the same key and body again get the same status and bytes, secrets included. Only 2xx
 * are remembered. A wish whose outcome is not known keeps its seed, so that the next try makes the same token, ids and
 * command id, and the services recognise what they have done already.
 */
@Injectable()
export class Idempotency {
  constructor(private readonly bus: Bus) {}

  /** `handle` acts and gives the answer; it is not called when the wish has come true already. */
  async once(request: FastifyRequest, reply: FastifyReply, handle: () => Promise<unknown>): Promise<unknown> {
    const wish = wishOf(request);
    const state = await this.begin(request, wish);
    if (state.state === 'done') {
      void reply.status(state.status).header('idempotency-replayed', 'true');
      return JSON.parse(open(wish, state.sealed)) as unknown;
    }
    return this.run(wish, state, { request, reply, handle });
  }

  /** Waits for a twin that is at work, and takes its place when it dies; only that wait gives a request more time. */
  private async begin(
    request: FastifyRequest,
    { scope, secret }: Wish,
  ): Promise<Exclude<IdempotencyState, { state: 'conflict' | 'in_flight' }>> {
    const body_hash = bodyHash(request, secret);
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await wait(ASK_AGAIN_MS)) {
      const state = await this.bus.ask('key.idempotency.begin', { scope, body_hash }, patience(request));
      if (state.state === 'conflict') throw new DomainError('IDEMPOTENCY_CONFLICT');
      if (state.state !== 'in_flight') return state;
      renew(request);
    }
    throw new DomainError('IDEMPOTENCY_IN_FLIGHT');
  }

  private async run(
    wish: Wish,
    { seed, again }: Run,
    { request, reply, handle }: { request: FastifyRequest; reply: FastifyReply; handle: () => Promise<unknown> },
  ): Promise<unknown> {
    const { scope } = wish;
    // In place, because the handler has been handed this very context.
    Object.assign(callerOf(request), { command_id: uuidV5(COMMANDS, `${scope}:${seed}`), again });
    request.random = drawnFrom(wish, seed);
    try {
      const answer = await handle();
      const sealed = seal(wish, JSON.stringify(answer));
      await this.bus.ask('key.idempotency.keep', { scope, status: reply.statusCode, sealed }, patience(request));
      return answer;
    } catch (error) {
      const forget = isCoded(error) && errors[error.code].status < 500;
      await this.bus.ask('key.idempotency.release', { scope, forget }, patience(request)).catch(() => undefined);
      throw error;
    }
  }
}

const patience = ({ context }: FastifyRequest): number => Math.max(LAST_WORD_MS, timeLeft({ context: context! }));

function wishOf(request: FastifyRequest): Wish {
  const name = request.headers['idempotency-key'];
  if (typeof name !== 'string' || name.length < 1 || name.length > 255) {
    const code = parameterFault(request.routeOptions.config.endpoint);
    throw new DomainError(code, 'Idempotency-Key must have 1 to 255 characters');
  }
  const path = request.url.split('?', 1)[0];
  return { scope: sha256([request.key?.id, request.method, path, name].join('\n')), secret: request.secret };
}

/** The headers that say what is wanted: with others, the same body is another wish. */
function headersMeant({ routeOptions, headers }: FastifyRequest): string[] {
  const names = Object.keys(routeOptions.config.endpoint?.headers ?? {});
  return names.filter((name) => headers[name]).map((name) => `${name}: ${String(headers[name])}`);
}

/** Where none is read, whatever came in its place says nothing of what is wanted, which the path says then. */
const bodyOf = (request: FastifyRequest) =>
  request.routeOptions.config.endpoint?.body ? jsonBodyOf(request) : undefined;

/** Keyed, as it is kept: whoever reads it cannot try out what the body may have held. The order of fields does not count. */
const bodyHash = (request: FastifyRequest, secret: string): string =>
  createHmac('sha256', secret)
    .update([canonicalJson(bodyOf(request) ?? null), ...headersMeant(request)].join('\n'))
    .digest('hex');

/** The same draws each time, for nobody but the holder of the API key. */
function drawnFrom({ scope, secret }: Wish, seed: string): Random {
  let draw = 0;
  return (bytes) => {
    const source = createHmac('sha512', secret).update(`${scope}:${seed}:${draw++}`).digest();
    return source.subarray(0, bytes);
  };
}

const keyOf = ({ scope, secret }: Wish): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, scope, 'idempotent reply', 32));

const seal = (wish: Wish, text: string): string =>
  encrypt(keyOf(wish), Buffer.from(text), Buffer.from(wish.scope)).toString('base64');

const open = (wish: Wish, sealed: string): string =>
  decrypt(keyOf(wish), Buffer.from(sealed, 'base64'), Buffer.from(wish.scope)).toString();
