import { z } from 'zod';

/** How a refusal looks on `/api/v1`. */
export const householdError = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .meta({ id: 'Error', description: 'Each code is explained in docs/errors.md.' });

const names = z.array(z.string());

/** What the code alone does not say: each field comes with the codes that docs/errors.md names it for. */
const details = z
  .looseObject({
    issues: z.array(z.object({ field: z.string(), message: z.string() })).describe('Every field that is wrong.'),
    missing: names.describe('Secrets that the server declares and that were not sent.'),
    extra: names.describe('Secrets that were sent and that the server does not declare.'),
    unknown: names.describe('Servers that the catalog does not have.'),
    retry_after: z.int().describe('Seconds after which to try again.'),
    allow: z.string().describe('The methods of this path.'),
    code: z.string().describe("The provider's own code."),
  })
  .partial()
  .optional();

/** How a refusal looks on `/v1`; the flat twins serve older clients. */
export const platformError = z
  .object({
    error: z.object({ code: z.string(), message: z.string(), details }),
    code: z.string(),
    message: z.string(),
    request_id: z.string(),
    unknown: names.optional().describe('On `unknown_servers` only: the same as `error.details.unknown`.'),
  })
  .meta({ id: 'PlatformError', description: 'Each code is explained in docs/errors.md.' });

/** RFC 9457, for `Accept: application/problem+json` on both surfaces. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    request_id: z.string(),
    details,
  })
  .meta({ id: 'Problem' });
