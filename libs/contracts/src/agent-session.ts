import type { Server } from './api/servers.js';
import type { Tenant } from './envelope.js';

export type AgentSessionCommand =
  | ({ type: 'OpenSession'; id: string; servers: string[]; user_id: string | null; now: string } & Tenant)
  | { type: 'CloseSession'; now: string };

export type AgentSessionEvent =
  | ({ type: 'AgentSessionOpened'; id: string; servers: string[]; user_id: string | null; at: string } & Tenant)
  | { type: 'AgentSessionClosed'; at: string };

/** An agent at work for a user, or for the whole project: names the servers that it may use. */
export interface AgentSessionView extends Tenant {
  id: string;
  user_id: string | null;
  servers: string[];
  status: 'active' | 'closed';
  created_at: string;
  closed_at: string | null;
}

/** A server of a session, and whether a connection leads there now. */
export interface SessionReach {
  server: Server;
  status: 'ready' | 'needs_connection' | 'expired';
}
