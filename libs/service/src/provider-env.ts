import { z } from 'zod';

const together = [
  ['PLAID_CLIENT_ID', 'PLAID_SECRET'],
  ['TELLER_APPLICATION_ID', 'TELLER_SIGNING_SECRET'],
  ['TELLER_CERT_FILE', 'TELLER_KEY_FILE'],
] as const;

const text = z.string().optional();

/** Credentials at the banks' providers. With half of a pair nothing would be refused at the start, and nothing would work. */
export const providerEnv = z
  .object({
    PLAID_CLIENT_ID: text,
    PLAID_SECRET: text,
    TELLER_APPLICATION_ID: text,
    /** Of the webhooks: without it none is believed, and no connection ever asks for a new sign-in. */
    TELLER_SIGNING_SECRET: text,
    TELLER_CERT_FILE: text,
    TELLER_KEY_FILE: text,
  })
  .superRefine((env, context) => {
    for (const [one, other] of together) {
      if (env[one] && !env[other])
        context.addIssue({ code: 'custom', path: [other], message: `must be set with ${one}` });
      if (env[other] && !env[one])
        context.addIssue({ code: 'custom', path: [one], message: `must be set with ${other}` });
    }
  });
