const MINUTE_MS = 60_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** What one bucket says after a token was asked for. */
export interface Level {
  granted: boolean;
  /** Whole tokens that are left. */
  remaining: number;
  /** Seconds until there is a token again; 0 when there is one. */
  nextInSeconds: number;
  /** Seconds until the bucket is full. */
  fullInSeconds: number;
}

/**
 * A token bucket for each name: `burst` at once, `perMinute` in the long run. Of the names only the `most` that were
 * used last are kept, so its memory is bounded; who is forgotten starts with a full bucket.
 */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly size: { perMinute: number; burst: number; most: number }) {}

  /** Takes a token, if there is one. */
  take(name: string, now = performance.now()): Level {
    const bucket = this.refilled(name, now);
    const granted = bucket.tokens >= 1;
    if (granted) bucket.tokens--;
    this.buckets.delete(name);
    if (this.buckets.size >= this.size.most) this.buckets.delete(this.buckets.keys().next().value!);
    this.buckets.set(name, bucket);
    return this.level(bucket, granted);
  }

  /** A token that was taken turns out not to be needed. */
  giveBack(name: string): void {
    const bucket = this.buckets.get(name);
    if (bucket) bucket.tokens = Math.min(this.size.burst, bucket.tokens + 1);
  }

  private refilled(name: string, now: number): Bucket {
    const { perMinute, burst } = this.size;
    const { tokens, at } = this.buckets.get(name) ?? { tokens: burst, at: now };
    return { tokens: Math.min(burst, tokens + ((now - at) * perMinute) / MINUTE_MS), at: now };
  }

  private level({ tokens }: Bucket, granted: boolean): Level {
    const { perMinute, burst } = this.size;
    const secondsUntil = (level: number) => Math.max(0, Math.ceil(((level - tokens) * 60) / perMinute));
    return {
      granted,
      remaining: Math.floor(tokens),
      nextInSeconds: secondsUntil(1),
      fullInSeconds: secondsUntil(burst),
    };
  }
}
