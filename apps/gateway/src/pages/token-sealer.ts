import { Inject, Injectable } from '@nestjs/common';
import { Bus } from '#service/bus.js';
import { sealerTo } from '#service/sealed.js';

type Seal = (text: string) => string;

const KEEP_KEY_MS = 5 * 60_000;
/** The attempt itself comes after it, and both together have about five seconds. */
const ASK_KEY_MS = 900;

/** Encrypts a secret to the vault as it comes in: behind this class nothing on this side can read it. */
@Injectable()
export class TokenSealer {
  private cached: { seal: Promise<Seal>; until: number } | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  async seal(token: string): Promise<string> {
    const seal = await this.sealer();
    return seal(JSON.stringify({ token }));
  }

  private sealer(): Promise<Seal> {
    if (this.cached && this.cached.until > performance.now()) return this.cached.seal;
    const seal = this.bus.ask('connection.vault-key', {}, ASK_KEY_MS).then(({ jwk }) => sealerTo(jwk));
    this.cached = { seal, until: performance.now() + KEEP_KEY_MS };
    seal.catch(() => (this.cached = undefined));
    return seal;
  }
}
