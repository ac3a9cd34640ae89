import { Controller, Param } from '@nestjs/common';
import {
  agentSession,
  agentSessions,
  type AgentSessionsQuery,
  agentSessionsQuery,
  type CreateSessionBody,
  createSessionBody,
  sessionConnections,
  toAgentSession,
  toSessionConnections,
} from '#contracts/api/agent-sessions.js';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { idOf, newShortId, parseAgentSessionId } from '#contracts/ids.js';
import { organization } from '#contracts/project.js';
import type { Random } from '#contracts/secrets.js';
import { Endpoint } from './endpoint.js';
import { notFound } from './ids.js';
import { Services } from './services.js';
import { Caller, Randomness, RequestBody, RequestQuery } from './params.js';

/** Agents' sessions: which servers an agent may use, and which of them it can reach. */
@Controller()
export class AgentSessionController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/sessions',
    access: 'sessions:create',
    summary: 'Open a session for an agent',
    body: createSessionBody,
    reply: { 201: agentSession },
    errors: ['UNKNOWN_SERVERS'],
  })
  create(
    @Caller() context: Context,
    @Randomness() random: Random,
    @RequestBody() { servers, user_id }: CreateSessionBody,
  ) {
    return withFreshId(async () => {
      const id = idOf('agent_session', newShortId(random));
      const { view } = await this.services.write('connection.session.open', { context, id, servers, user_id });
      return toAgentSession(view, organization.id);
    });
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/sessions',
    access: 'sessions:read',
    summary: 'List sessions, newest first, closed ones included',
    query: agentSessionsQuery,
    reply: { 200: agentSessions },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: AgentSessionsQuery) {
    const { items, next_cursor } = await this.services.read('connection.session.list', { context, ...query });
    const sessions = items.map((view) => toAgentSession(view, organization.id));
    return { sessions, data: sessions, next_cursor };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/sessions/:id',
    access: 'sessions:read',
    summary: 'Look at a session',
    query: asOfQuery,
    reply: { 200: agentSession },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') id: string, @RequestQuery() query: AsOfQuery) {
    const view = await this.services.read('connection.session.get', { context, id: uuidOf(id), ...query });
    return toAgentSession(view, organization.id);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/sessions/:id/connections',
    access: 'sessions:read',
    summary: 'Say which servers a session can reach now',
    description: 'None once it is closed.',
    reply: { 200: sessionConnections },
    errors: ['NOT_FOUND'],
  })
  async connections(@Caller() context: Context, @Param('id') text: string) {
    const id = uuidOf(text);
    return toSessionConnections(id, await this.services.read('connection.session.reach', { context, id }));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/sessions/:id/close',
    access: 'sessions:create',
    summary: 'Close a session',
    description: 'Closing again changes nothing.',
    reply: { 200: agentSession },
    errors: ['NOT_FOUND'],
  })
  async close(@Caller() context: Context, @Param('id') id: string) {
    const { view } = await this.services.write('connection.session.close', { context, id: uuidOf(id) });
    return toAgentSession(view, organization.id);
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/sessions/:id',
    access: 'sessions:create',
    summary: 'Close a session, without an answer',
    reply: { 204: null },
    errors: ['NOT_FOUND'],
  })
  async delete(@Caller() context: Context, @Param('id') id: string): Promise<void> {
    await this.close(context, id);
  }
}

function uuidOf(text: string): string {
  const id = parseAgentSessionId(text);
  if (id === null) throw notFound('agent_session');
  return id;
}
