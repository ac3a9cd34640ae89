import { z } from 'zod';

export const vaultStatus = z
  .object({
    current_epoch: z.int().describe('What new credentials are wrapped under.'),
    epochs: z
      .array(
        z.object({
          epoch: z.int(),
          entries: z.int().describe('Data keys that are wrapped under it.'),
          has_key: z.boolean().describe('Is the key of this epoch here?'),
        }),
      )
      .describe(
        'Oldest first. The key of an epoch without entries may be removed ten minutes later; bodies of webhooks of thirty days ' +
          'open only with it (docs/operations.md).',
      ),
    remaining: z.int().describe('Data keys that are still wrapped under another epoch.'),
    last_error: z.string().nullable(),
  })
  .meta({ id: 'VaultStatus' });
