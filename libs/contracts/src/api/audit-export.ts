import { z } from 'zod';
import { narrowing } from './audit.js';

export const exportQuery = z.object({
  format: z
    .enum(['', 'ndjson', 'csv'], { error: 'must be ndjson or csv' })
    .optional()
    .transform((value) => value || ('ndjson' as const))
    .meta({ enum: ['ndjson', 'csv'], default: 'ndjson' })
    .describe('`Accept` is not looked at.'),
  ...narrowing,
});
export type ExportQuery = z.output<typeof exportQuery>;
