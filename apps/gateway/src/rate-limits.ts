import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { networkOf } from './pages/miss-limit.js';
import { type Level, TokenBuckets } from './rate-limit.js';

const MOST_KEYS = 10_000;
const MOST_ADDRESSES = 20_000;

/** How much one key may ask, and how often one address may come with a key that is none. */
@Injectable()
export class RateLimits {
  private readonly requests: TokenBuckets;
  private readonly failures: TokenBuckets;
  private readonly limit: string;

  constructor(@Inject(CONFIG) config: GatewayConfig) {
    const { API_RATE_LIMIT_RPM: perMinute, API_RATE_LIMIT_BURST: burst, AUTH_FAIL_LIMIT_RPM: failures } = config;
    this.requests = new TokenBuckets({ perMinute, burst, most: MOST_KEYS });
    this.failures = new TokenBuckets({ perMinute: failures, burst: failures, most: MOST_ADDRESSES });
    this.limit = String(perMinute);
  }

  /** Counts a request of this key, and says in the reply where it stands. */
  count(keyId: string, reply: FastifyReply): void {
    const level = this.requests.take(keyId);
    void reply.headers({
      'x-ratelimit-limit': this.limit,
      'x-ratelimit-remaining': String(level.remaining),
      'x-ratelimit-reset': String(level.fullInSeconds),
    });
    if (!level.granted) throw limited(level);
  }

  /** For a request that may turn out to have no good key, before anybody is asked about it: many at once count, too. */
  admitGuess(address: string): void {
    const level = this.failures.take(networkOf(address));
    if (!level.granted) throw limited(level);
  }

  /** It was no wrong key after all, or nobody could tell. */
  forgiveGuess(address: string): void {
    this.failures.giveBack(networkOf(address));
  }
}

const limited = ({ nextInSeconds }: Level): DomainError =>
  new DomainError('RATE_LIMITED', undefined, { retry_after: Math.max(1, nextInSeconds) });
