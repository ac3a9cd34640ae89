import { z } from 'zod';
import { SettingsError } from '#service/settings-error.js';

const environment = z.object({
  DATABASE_URL: z.string().min(1),
  EVENTSTORE_HOST: z.string().default('127.0.0.1'),
  EVENTSTORE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  EVENTSTORE_PASSWORD: z.string().min(1),
  /** Recent events kept in memory for subscribers: by number, and by MiB, in which each counts as it came and as it is sent. */
  EVENTSTORE_TAIL_EVENTS: z.coerce.number().int().min(1).default(8_192),
  EVENTSTORE_TAIL_MIB: z.coerce.number().int().min(1).default(32),
  EVENTSTORE_DROP_SLOW_CONSUMERS: z.stringbool().default(false),
  SUPERVISED: z.stringbool().default(false),
});

export type Settings = z.infer<typeof environment>;

/** The settings from environment variables; throws naming each that is missing or wrong. */
export function settingsFrom(variables: NodeJS.ProcessEnv): Settings {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) throw new SettingsError(z.prettifyError(parsed.error));
  return parsed.data;
}
