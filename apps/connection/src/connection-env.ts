import { z } from 'zod';
import { readEnv } from '#service/config.js';
import { providerEnv } from '#service/provider-env.js';
import type { ProviderConfig } from './providers/providers.js';

/** Paths are put behind it, so it ends without a slash: with two of them an address leads nowhere. */
const baseUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));

const env = readEnv(
  z
    .object({
      VAULT_KEK: z.string().optional(),
      VAULT_KEK_FILE: z.string().optional(),
      VAULT_KEK_CURRENT: z.coerce.number().int().min(1).optional(),
      /** A JSON list of servers that the operator adds to the catalog. */
      CATALOG_FILE: z.string().optional(),
      /** Our applications at OAuth providers, as JSON by server id, or a file with it. */
      OAUTH_CLIENTS: z.string().optional(),
      OAUTH_CLIENTS_FILE: z.string().optional(),
      SANDBOX_OAUTH_CLIENT_SECRET: z.string().optional(),
      SANDBOX: z.stringbool().default(false),
      SANDBOX_BANK_URL: baseUrl.optional(),
      BRAND_NAME: z.string().max(30).default('Latchkey'),
      /** Where providers reach this installation. */
      WEBHOOK_BASE_URL: baseUrl.default('http://127.0.0.1:8080'),
      PLAID_BASE_URL: baseUrl.default('https://production.plaid.com'),
      PLAID_SCRIPT_URL: z.url().default('https://cdn.plaid.com/link/v2/stable/link-initialize.js'),
      TELLER_ENVIRONMENT: z.enum(['sandbox', 'development', 'production']).default('sandbox'),
      TELLER_BASE_URL: baseUrl.default('https://api.teller.io'),
      TELLER_SCRIPT_URL: z.url().default('https://cdn.teller.io/connect/connect.js'),
    })
    .and(providerEnv),
);

export const connectionEnv = env;

/** A provider is offered when its credentials are there. */
export const providerConfig: ProviderConfig = {
  ...(env.PLAID_CLIENT_ID &&
    env.PLAID_SECRET && {
      plaid: {
        baseUrl: env.PLAID_BASE_URL,
        clientId: env.PLAID_CLIENT_ID,
        secret: env.PLAID_SECRET,
        scriptUrl: env.PLAID_SCRIPT_URL,
      },
    }),
  ...(env.TELLER_APPLICATION_ID &&
    env.TELLER_SIGNING_SECRET && {
      teller: {
        baseUrl: env.TELLER_BASE_URL,
        applicationId: env.TELLER_APPLICATION_ID,
        environment: env.TELLER_ENVIRONMENT,
        scriptUrl: env.TELLER_SCRIPT_URL,
        ...(env.TELLER_CERT_FILE && { certFile: env.TELLER_CERT_FILE }),
        ...(env.TELLER_KEY_FILE && { keyFile: env.TELLER_KEY_FILE }),
      },
    }),
};
