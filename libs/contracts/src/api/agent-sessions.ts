import { z } from 'zod';
import type { AgentSessionView, SessionReach } from '../agent-session.js';
import { agentSessionId } from '../ids.js';
import { cursor, filled, limit, optional, text, time } from './fields.js';
import { authTypes } from './servers.js';

const id = z.string().regex(/^ses_[0-9A-Za-z]{22}$/);

export const createSessionBody = z
  .object({
    servers: z.array(text(64)).max(100, 'must name at most 100 servers').describe('Ids of GET /v1/servers.'),
    user_id: optional(filled(128), null).describe("Whose connections it may use besides the project's own."),
  })
  .meta({ id: 'CreateAgentSession' });
export type CreateSessionBody = z.output<typeof createSessionBody>;

export const agentSession = z
  .object({
    id,
    org_id: z.string(),
    project_id: z.string(),
    user_id: z.string().nullable(),
    servers: z.array(z.string()),
    status: z.enum(['active', 'closed']),
    created_at: time,
    closed_at: time.nullable(),
  })
  .meta({ id: 'AgentSession' });

export const agentSessionsQuery = z.object({ limit: limit(100), cursor });
export type AgentSessionsQuery = z.output<typeof agentSessionsQuery>;

export const agentSessions = z
  .object({
    sessions: z.array(agentSession),
    data: z.array(agentSession).describe('The same as `sessions`.'),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'AgentSessionPage' });

const reached = z.object({
  id: z.string(),
  name: z.string(),
  category: z.string(),
  country: z.string(),
  auth_type: z.enum(authTypes),
  connected: z.boolean(),
  tools_count: z.int(),
  status: z.enum(['ready', 'needs_connection', 'expired']),
});

export const sessionConnections = z
  .object({
    data: z.array(reached),
    total: z.int(),
    session_id: id,
    servers: z.array(reached).describe('The same as `data`.'),
    tools: z.array(z.unknown()),
  })
  .meta({ id: 'AgentSessionConnections' });

export const toAgentSession = (view: AgentSessionView, org_id: string): z.output<typeof agentSession> => ({
  id: agentSessionId(view.id),
  org_id,
  project_id: view.project_id,
  user_id: view.user_id,
  servers: view.servers,
  status: view.status,
  created_at: view.created_at,
  closed_at: view.closed_at,
});

export function toSessionConnections(uuid: string, reach: SessionReach[]): z.output<typeof sessionConnections> {
  const data = reach.map(({ server: { id, name, category, country, auth_type, tools_count }, status }) => ({
    ...{ id, name, category, country, auth_type },
    connected: status === 'ready',
    ...{ tools_count, status },
  }));
  return { data, total: data.length, session_id: agentSessionId(uuid), servers: data, tools: [] };
}
