import { z } from 'zod';
import { filled } from './fields.js';

export const eraseBody = z
  .object({
    subject: filled(200).describe(
      'Any id of a user, session, connection, Connect Link, key or agent session, or your own name for an end user.',
    ),
  })
  .meta({ id: 'Erase' });
export type EraseBody = z.output<typeof eraseBody>;

export const erasure = z
  .object({ receipt: z.string().describe('A compact JWS over what was erased (docs/erasure.md).') })
  .meta({ id: 'Erasure' });
