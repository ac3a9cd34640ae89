import { Injectable } from '@nestjs/common';
import type {
  AgentSessionCommand,
  AgentSessionEvent,
  AgentSessionView,
  SessionReach,
} from '#contracts/agent-session.js';
import type { Server } from '#contracts/api/servers.js';
import type { AsOf, Context, Page, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { ownOf } from '#contracts/tenancy.js';
import { readStreamAsOf } from '#eventstore/as-of.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { project } from '#eventstore/projection.js';
import { readFacts } from '#eventstore/read-stream.js';
import { beginningIn, listName, pageOf } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';
import { agentSession } from './agent-session.decider.js';
import { agentSessionProjection } from './agent-session.view.js';
import { Catalog } from './catalog/catalog.js';
import { PlatformQueries } from './platform-queries.js';

/** Agents' sessions, and what each of them can reach. */
@Injectable()
export class AgentSessions {
  private readonly handle;
  private readonly page;

  constructor(
    private readonly store: Store,
    private readonly catalog: Catalog,
    private readonly queries: PlatformQueries,
  ) {
    this.handle = commandHandler(store.client, 'agent_session', agentSession);
    this.page = prepared<AgentSessionView>(
      store.dataSource,
      'agent_sessions_page',
      `select * from agent_sessions where project_id = $1 and environment = $2
       and (created_at, id) < ($3, $4::uuid) order by created_at desc, id desc limit $5`,
    );
  }

  open(context: Context, wish: { id: string; servers: string[]; user_id: string | null }) {
    const unknown = this.catalog.unknown(wish.servers);
    if (unknown.length > 0) throw new DomainError('UNKNOWN_SERVERS', undefined, { unknown });
    const servers = [...new Set(wish.servers)];
    const now = new Date().toISOString();
    return this.command({ type: 'OpenSession', ...context.tenant, ...wish, servers, now }, wish.id, context);
  }

  async close(context: Context, id: string): Promise<Written<AgentSessionView>> {
    await this.read(context.tenant, id);
    return this.command({ type: 'CloseSession', now: new Date().toISOString() }, id, context);
  }

  /** The truth from the session's own stream; another tenant's session does not exist. */
  async read(tenant: Tenant, id: string): Promise<AgentSessionView> {
    const events = await readFacts<AgentSessionEvent>(this.store.client, `agent_session-${id}`);
    return ownOf(tenant, project(agentSessionProjection, events), 'Session');
  }

  /** As it was at that moment. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<AgentSessionView> {
    const { events } = await readStreamAsOf<AgentSessionEvent>(this.store.client, `agent_session-${id}`, moment);
    const view = project(agentSessionProjection, events);
    return ownOf(tenant, view, 'Session');
  }

  async list({ project_id, environment }: Tenant, ask: { limit: number; cursor?: string | undefined }) {
    const list = listName('agent_sessions', { project_id, environment });
    const { created_at, id } = beginningIn(list, ask.cursor);
    const place = [project_id, environment, created_at, id, ask.limit + 1];
    return pageOf(list, await this.page(place), ask.limit) satisfies Page<AgentSessionView>;
  }

  /**
   * The truth about each of its servers, as of now. A server that left the catalog is no longer reached, and a session that
   * is closed reaches none: an agent that asks what it may go on with is not to take a credential for its own.
   */
  async reach(tenant: Tenant, id: string): Promise<SessionReach[]> {
    const session = await this.read(tenant, id);
    if (session.status === 'closed') return [];
    const found = await this.queries.reachable(tenant, session);
    const known = this.catalog.all().filter((server) => session.servers.includes(server.id));
    return known.map((server) => ({ server, status: statusOf(server, found) }));
  }

  private async command(command: AgentSessionCommand, id: string, context: Context) {
    const expectNew = command.type === 'OpenSession';
    const { events, position } = await this.handle({ id, command, context, expectNew });
    const view = project(agentSessionProjection, events);
    if (!view) throw new Error(`session ${id} has no events after a command`);
    return { view, position };
  }
}

function statusOf({ id, auth_type }: Server, found: { server_id: string; live: boolean }[]): SessionReach['status'] {
  if (auth_type === 'none') return 'ready';
  const connection = found.find(({ server_id }) => server_id === id);
  if (!connection) return 'needs_connection';
  return connection.live ? 'ready' : 'expired';
}
