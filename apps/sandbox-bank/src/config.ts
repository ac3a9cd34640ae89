import { z } from 'zod';
import { SettingsError } from '#service/settings-error.js';

const environment = z.object({
  SANDBOX_BANK_PORT: z.coerce.number().int().min(0).max(65535),
  SANDBOX_BANK_HOST: z.string().default('127.0.0.1'),
  SANDBOX_BANK_DATA: z.string().min(1),
  PLAID_CLIENT_ID: z.string().min(1),
  PLAID_SECRET: z.string().min(1),
  TELLER_APPLICATION_ID: z.string().min(1),
  TELLER_SIGNING_SECRET: z.string().min(1),
  TELLER_WEBHOOK_URL: z.url().optional(),
});

export interface BankConfig {
  /** 0 takes any free port. */
  port: number;
  host: string;
  /** The file that keeps the ledger. */
  dataFile: string;
  plaid: { clientId: string; secret: string };
  teller: { applicationId: string; signingSecret: string; webhookUrl: string | null };
}

/** Reads the environment; throws an error that names every variable that is missing or wrong. */
export function readConfig(env: NodeJS.ProcessEnv): BankConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) throw new SettingsError(`The sandbox bank cannot start:\n${z.prettifyError(parsed.error)}`);
  const values = parsed.data;
  return {
    port: values.SANDBOX_BANK_PORT,
    host: values.SANDBOX_BANK_HOST,
    dataFile: values.SANDBOX_BANK_DATA,
    plaid: { clientId: values.PLAID_CLIENT_ID, secret: values.PLAID_SECRET },
    teller: {
      applicationId: values.TELLER_APPLICATION_ID,
      signingSecret: values.TELLER_SIGNING_SECRET,
      webhookUrl: values.TELLER_WEBHOOK_URL ?? null,
    },
  };
}
