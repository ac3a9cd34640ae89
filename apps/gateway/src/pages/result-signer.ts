import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import type { ErasureReceipt } from '#contracts/erasure.js';
import type { SessionView } from '#contracts/link-session.js';

const VALID_FOR = '5 minutes';

/** Signs what an app learns when the person comes back to it, so that nobody can make that up in the address bar. */
export class ResultSigner {
  private constructor(
    private readonly key: KeyObject,
    private readonly publicJwk: JWK & { kid: string },
  ) {}

  static async with(key: KeyObject): Promise<ResultSigner> {
    const jwk = await exportJWK(createPublicKey(key));
    return new ResultSigner(key, { ...jwk, alg: 'EdDSA', use: 'sig', kid: await calculateJwkThumbprint(jwk) });
  }

  /** The key set an app checks results with. */
  jwks(): { keys: JWK[] } {
    return { keys: [this.publicJwk] };
  }

  /** A compact JWS over the end of a session, for the app at `audience` (an origin) alone. */
  sign(session: SessionView, { issuer, audience }: { issuer: string; audience: string }): Promise<string> {
    const { id, status, action, result_connection_ids } = session;
    return new SignJWT({ status, action, connection_ids: result_connection_ids })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.publicJwk.kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setSubject(id)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(VALID_FOR)
      .setJti(randomUUID())
      .sign(this.key);
  }

  /** A compact JWS over what was erased. It has no end: what it says stays true. */
  receipt({ sub, ...claims }: ErasureReceipt, issuer: string): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: this.publicJwk.kid, typ: 'erasure-receipt+jwt' })
      .setIssuer(issuer)
      .setSubject(sub)
      .setIssuedAt()
      .setJti(randomUUID())
      .sign(this.key);
  }
}
