import { z } from 'zod';
import { readEnv } from '#service/config.js';

/** A script's address as it may stand in a Content-Security-Policy: nothing in it can end the source or the directive. */
const scriptUrl = z.url({ protocol: /^https?$/ }).regex(/^[^;,'"\s?#]+$/, 'must be a URL without query');

const pagesEnv = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** Who asks, as the hosted page and the provider's dialog say it; no provider takes more than 30 characters. */
  BRAND_NAME: z.string().trim().min(1).max(30).default('Latchkey'),
  PLAID_SCRIPT_URL: scriptUrl.default('https://cdn.plaid.com/link/v2/stable/link-initialize.js'),
  TELLER_SCRIPT_URL: scriptUrl.default('https://cdn.teller.io/connect/connect.js'),
  /** So many links that do not exist may be opened per address and minute. */
  LINK_MISS_LIMIT_RPM: z.coerce.number().int().min(1).default(30),
  /** The Ed25519 key (PKCS #8, PEM) that signs the result of a redirect. */
  RESULT_SIGNING_KEY_FILE: z.string().optional(),
  DATA_DIR: z.string().optional(),
});

export type PagesSettings = z.output<typeof pagesEnv>;

/** Under this name Nest injects the settings of the hosted page. */
export const PAGES_SETTINGS = 'pages settings';

export const readPagesSettings = (): PagesSettings => readEnv(pagesEnv);
