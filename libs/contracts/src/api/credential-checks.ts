import { z } from 'zod';
import { filled } from './fields.js';

export const credentialCheckBody = z
  .object({
    server_id: filled(64),
    secret: z.record(z.string(), filled(4096)).describe('The names that the server declares, and no other.'),
  })
  .meta({ id: 'CredentialCheck' });
export type CredentialCheckBody = z.output<typeof credentialCheckBody>;

export const refusals = ['provider_rejected', 'provider_unreachable', 'invalid_key'] as const;

/** What became of one harmless read with a candidate credential. */
export const credentialVerdict = z
  .union([
    z.object({ ok: z.literal(true), provider: z.string(), latency_ms: z.int().min(0) }),
    z.object({
      ok: z.literal(false),
      provider: z.string(),
      error: z.enum(refusals),
      detail: z.string().optional().describe("The provider's words, unless they repeat the credential."),
    }),
  ])
  .meta({ id: 'CredentialVerdict' });
export type CredentialVerdict = z.output<typeof credentialVerdict>;
