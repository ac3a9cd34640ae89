import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { Inject, Injectable } from '@nestjs/common';
import { Bus } from '#service/bus.js';

const KEEP_KEY_MS = 5 * 60_000;
/** The attempt itself comes after it, and both together have about five seconds. */
const ASK_KEY_MS = 900;

/** Encrypts a provider's token to the vault as it comes in: behind this class nothing on this side can read it. */
@Injectable()
export class TokenSealer {
  private cached: { jwk: Promise<JWK>; until: number } | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  async seal(token: string): Promise<string> {
    const jwk = await this.vaultKey();
    return new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ token })))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', ...(jwk.kid && { kid: jwk.kid }) })
      .encrypt(await importJWK(jwk, 'ECDH-ES'));
  }

  private vaultKey(): Promise<JWK> {
    if (this.cached && this.cached.until > Date.now()) return this.cached.jwk;
    const jwk = this.bus.ask('connection.vault-key', {}, ASK_KEY_MS).then((reply) => reply.jwk as JWK);
    this.cached = { jwk, until: Date.now() + KEEP_KEY_MS };
    jwk.catch(() => (this.cached = undefined));
    return jwk;
  }
}
