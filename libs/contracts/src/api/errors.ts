import { z } from 'zod';

/** How a refusal looks on `/api/v1`. */
export const householdError = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .meta({ id: 'Error', description: 'Each code is explained in docs/errors.md.' });

/** How a refusal looks on `/v1`; the flat twins serve older clients. */
export const platformError = z
  .object({
    error: z.object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() }),
    code: z.string(),
    message: z.string(),
    request_id: z.string(),
  })
  .meta({ id: 'PlatformError' });

/** RFC 9457, for `Accept: application/problem+json` on both surfaces. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem' });
