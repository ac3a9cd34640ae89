import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '#contracts/errors.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { networkOf } from '../pages/miss-limit.js';
import { TokenBuckets } from '../rate-limit.js';

const MOST_NAMES = 20_000;

/** How often one address, and anybody as one account, may be wrong. Counted before anybody is asked. */
@Injectable()
export class SignInLimit {
  private readonly buckets: TokenBuckets;

  constructor(@Inject(CONFIG) { SIGN_IN_LIMIT_RPM: perMinute }: GatewayConfig) {
    this.buckets = new TokenBuckets({ perMinute, burst: perMinute, most: MOST_NAMES });
  }

  /** Runs the attempt; unless it turns out to be wrong, it does not count. */
  async count<T>(address: string, account: string | null, attempt: () => Promise<T>): Promise<T> {
    const names = [`from ${networkOf(address)}`, ...(account === null ? [] : [`as ${account}`])];
    for (const [taken, name] of names.entries()) {
      const { granted, nextInSeconds } = this.buckets.take(name);
      if (!granted) {
        for (const before of names.slice(0, taken)) this.buckets.giveBack(before);
        const text = `Too many attempts. Please wait ${nextInSeconds} seconds and try again.`;
        throw new DomainError('RATE_LIMITED', text, { retry_after: nextInSeconds });
      }
    }
    let isWrong = false;
    try {
      return await attempt();
    } catch (error) {
      isWrong = error instanceof DomainError && ['SIGN_IN_REFUSED', 'GONE'].includes(error.code);
      throw error;
    } finally {
      if (!isWrong) for (const name of names) this.buckets.giveBack(name);
    }
  }
}
