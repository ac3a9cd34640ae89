import { type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError, type ErrorCode } from '#contracts/errors.js';
import type { VerifiedKey } from '#contracts/key.js';
import { hashSecret } from '#contracts/secrets.js';
import { type Access, mayComeFrom, refusalOf, requireAccess } from './access.js';
import { VerifiedKeys } from './key-cache.js';
import { KeyUsage } from './key-usage.js';
import { RateLimits } from './rate-limits.js';
import { RefusedKeys } from './refused-keys.js';
import { actAs } from './request-context.js';
import { parameterFault } from './surface.js';

/** What a request came with. */
interface Sent {
  secret: string;
  /** What cannot be a key at all is refused without a look-up. */
  hasShape: boolean;
}

/** What both guards do with the key a request came with. The refusals come in this order: 401, the address, 429, 403. */
@Injectable()
export class Authentication {
  constructor(
    private readonly keys: VerifiedKeys,
    private readonly limits: RateLimits,
    private readonly usage: KeyUsage,
    private readonly refused: RefusedKeys,
  ) {}

  async enter(context: ExecutionContext, sent: Sent, access: Access): Promise<void> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const key = await this.holder(sent, request);
    actAs(request, key, sent.secret);
    this.requireAddress(key, request);
    this.limits.count(key.id, http.getResponse<FastifyReply>());
    requireAccess(key, access);
    refusePast(request);
    this.usage.note(key.id);
  }

  /** A whole key at the other door is a slip, and no sign that somebody guesses at the key; it may be a made-up one, though. */
  refuseElsewhere({ ip }: FastifyRequest): never {
    this.limits.admitGuess(ip);
    throw new DomainError('INVALID_API_KEY', 'A platform key (csk_) opens /v1, not /api/v1.');
  }

  /**
   * The key, live. Wrong ones are counted per address, and one address too many is asked to wait before anybody is asked
   * about its key. A key that is known to be good, or was good once, is no guess: it passes whatever else comes from there.
   */
  private async holder({ secret, hasShape }: Sent, request: FastifyRequest): Promise<VerifiedKey> {
    const address = request.ip;
    const hash = hashSecret(secret);
    const known = hasShape ? this.keys.known(hash) : null;
    const isGuess = known === undefined ? !this.keys.isProven(hash) : refusalOf(known) !== null;
    if (isGuess) this.limits.admitGuess(address);
    let refusal: ErrorCode | null = null;
    try {
      const key = known === undefined ? await this.keys.verify(hash) : known;
      refusal = refusalOf(key);
      if (refusal === null) return key!;
      this.refused.note(key ?? secret, refusal, request);
      throw new DomainError(refusal);
    } finally {
      if (isGuess && refusal === null) this.limits.forgiveGuess(address);
    }
  }

  /** Whoever has the key of somebody else, but not the address, uses up nothing of theirs. */
  private requireAddress(key: VerifiedKey, request: FastifyRequest): void {
    if (mayComeFrom(key, request.ip)) return;
    this.limits.admitGuess(request.ip);
    this.refused.note(key, 'IP_NOT_ALLOWED', request);
    throw new DomainError('IP_NOT_ALLOWED');
  }
}

/** What a route does not know is ignored, but not this: it would answer with what is now for what was then. */
function refusePast({ query, routeOptions }: FastifyRequest): void {
  const { endpoint } = routeOptions.config;
  if (endpoint?.method !== 'GET' || 'as_of' in (endpoint.query?.shape ?? {})) return;
  if ((query as { as_of?: unknown }).as_of)
    throw new DomainError(parameterFault(endpoint), 'as_of is not taken here: this is only known as it is now.');
}
