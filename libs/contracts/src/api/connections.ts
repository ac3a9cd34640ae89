import { z } from 'zod';
import { type ConnectionState, type HouseholdStatus, householdStatus, type OwnedConnection } from '../connection.js';
import { choice, cursor, limit, page, shortId, time, uuid, word } from './fields.js';

const statuses = ['active', 'error', 'pending_reauth', 'disconnected'] as const;
const status = z.enum(statuses);

/** Each status is another word for one state. */
export const stateOf = (status: HouseholdStatus): ConnectionState =>
  (Object.keys(householdStatus) as ConnectionState[]).find((state) => householdStatus[state] === status)!;

export const connection = z
  .object({
    id: uuid,
    short_id: shortId,
    user_id: uuid,
    user_name: z.string().nullable(),
    provider: z.enum(['plaid', 'teller']),
    institution_id: z.string().nullable(),
    institution_name: z.string().nullable(),
    status,
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Connection' });
export type Connection = z.output<typeof connection>;

export const connectionStatus = z
  .object({
    id: uuid,
    status,
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    updated_at: time,
  })
  .meta({ id: 'ConnectionStatus' });

export const connectionsQuery = z.object({
  status: choice(statuses),
  user_id: word().describe('UUID or short_id.'),
  limit: limit(200),
  cursor,
});
export type ConnectionsQuery = z.output<typeof connectionsQuery>;
export const connectionsPage = page('connections', connection).meta({ id: 'ConnectionPage' });

/** One aggregate, in the household's words. */
export const toConnection = (view: OwnedConnection): Connection => ({
  id: view.id,
  short_id: view.short_id,
  user_id: view.user_id,
  user_name: view.user_name,
  provider: view.provider,
  institution_id: view.institution_id,
  institution_name: view.institution_name,
  status: householdStatus[view.state],
  error_code: view.error_code,
  error_message: view.error_message,
  created_at: view.created_at,
  updated_at: view.updated_at,
});

export const toConnectionStatus = (view: OwnedConnection): z.output<typeof connectionStatus> => ({
  id: view.id,
  status: householdStatus[view.state],
  error_code: view.error_code,
  error_message: view.error_message,
  updated_at: view.updated_at,
});

export const ledger = z
  .object({
    items: z.array(
      z.object({ id: z.string(), provider: z.string(), institution: z.string(), state: z.enum(['live', 'removed']) }),
    ),
  })
  .meta({ id: 'SandboxLedger' });
