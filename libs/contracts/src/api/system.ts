import { z } from 'zod';

const upOrDown = z.enum(['up', 'down']);

export const live = z.object({ status: z.literal('up') }).meta({ id: 'Live' });

export const ready = z
  .object({
    status: upOrDown,
    parts: z.record(
      z.string(),
      z.object({
        status: upOrDown,
        views: z.array(z.object({ name: z.string(), lag_ms: z.int(), parked: z.int() })),
        parts: z.record(z.string(), upOrDown),
      }),
    ),
  })
  .meta({ id: 'Ready' });
