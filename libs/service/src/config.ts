import { z } from 'zod';
import { EX_CONFIG } from './settings-error.js';

/** What every service needs. Read once; a missing or malformed variable stops the process before it serves anything. */
export const serviceEnv = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  /** Where this process answers /health/live, /health/started, /health/ready and /metrics; 0 = nowhere. */
  HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  HEALTH_HOST: z.string().default('127.0.0.1'),
});

export const storeEnv = z.object({
  EVENTSTORE_URL: z.string().default('esdb://127.0.0.1:2113?tls=false'),
  DATABASE_URL: z.string().default('postgres://postgres:postgres@127.0.0.1:5432/latchkey'),
});

/** The environment as `schema` reads it; names every variable that is wrong and leaves. */
export function readEnv<S extends z.ZodType>(schema: S): z.output<S> {
  const set = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) process.stderr.write(`${issue.path.join('.')}: ${issue.message}\n`);
  return process.exit(EX_CONFIG);
}

export const config = readEnv(serviceEnv);
