import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import { type Checkpoint, CHECKPOINT_TYPE } from '#contracts/audit-chain.js';
import { readEnv } from '#service/config.js';
import { openSigningKeys } from '#service/signing-key.js';

/** Signs where a chain stands, so that whoever changes the past later has no signature for it. */
export class CheckpointSigner {
  private constructor(
    private readonly key: KeyObject,
    /** The key that signs, and older ones whose signatures still count. */
    readonly jwks: (JWK & { kid: string })[],
  ) {}

  static async with(keys: KeyObject[]): Promise<CheckpointSigner> {
    return new CheckpointSigner(keys[0]!, await Promise.all(keys.map(publicJwk)));
  }

  sign({ project_id, environment, seq, hash }: Checkpoint): Promise<string> {
    return new SignJWT({ project_id, environment, seq, hash })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.jwks[0]!.kid, typ: CHECKPOINT_TYPE })
      .setIssuedAt()
      .sign(this.key);
  }
}

async function publicJwk(key: KeyObject): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(createPublicKey(key));
  return { ...jwk, alg: 'EdDSA', use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

const auditEnv = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** Ed25519 keys, of which the first one signs checkpoints: PKCS #8 in base64, and a file with them in PEM. */
  AUDIT_SIGNING_KEY: z.string().optional(),
  AUDIT_SIGNING_KEY_FILE: z.string().optional(),
  DATA_DIR: z.string().optional(),
});

export const openCheckpointSigner = {
  provide: CheckpointSigner,
  useFactory: () => {
    const { NODE_ENV, AUDIT_SIGNING_KEY, AUDIT_SIGNING_KEY_FILE, DATA_DIR } = readEnv(auditEnv);
    const places = { text: AUDIT_SIGNING_KEY, file: AUDIT_SIGNING_KEY_FILE, dataDir: DATA_DIR };
    return CheckpointSigner.with(
      openSigningKeys({ variable: 'AUDIT_SIGNING_KEY', name: 'audit-signing', NODE_ENV, ...places }),
    );
  },
};
