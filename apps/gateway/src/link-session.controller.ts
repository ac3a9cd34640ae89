import { Controller, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import {
  linkSession,
  type MintBody,
  mintBody,
  mintedSession,
  type RelinkBody,
  relinkBody,
  sessionsPage,
  type SessionsQuery,
  sessionsQuery,
  toLinkSession,
} from '#contracts/api/link-sessions.js';
import type { Context } from '#contracts/envelope.js';
import { Endpoint } from './endpoint.js';
import { householdPage } from './household-page.js';
import { idInField, idInPath } from './ids.js';
import { type FreshLink, Links } from './links.service.js';
import { Services } from './services.js';
import { Caller, RequestBody, RequestQuery } from './params.js';
import { RedirectOrigins } from './redirect-origins.js';

/** Hosted-link sessions: minted here with a one-time token, opened by a person, watched by the agent. */
@Controller()
export class LinkSessionController {
  constructor(
    private readonly services: Services,
    private readonly links: Links,
    private readonly origins: RedirectOrigins,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/connections/link',
    access: 'full_access',
    summary: 'Mint a hosted-link session',
    description: 'Share the `url` with the person. `token` and `url` are shown once, in this reply.',
    body: mintBody,
    reply: { 201: mintedSession },
    errors: ['INVALID_PARAMETER', 'NOT_FOUND'],
  })
  async mint(@Req() request: FastifyRequest, @Caller() context: Context, @RequestBody() body: MintBody) {
    await this.origins.refuseForeign(context, body.redirect_url);
    const user_id = idInField('user', 'user_id', body.user_id);
    return minted(await this.links.mint(request, { ...body, user_id }));
  }

  @Endpoint({
    method: 'POST',
    path: '/api/v1/connections/:id/relink',
    access: 'full_access',
    summary: 'Mint a session that re-authenticates a connection',
    description: 'User, provider and single use follow from the connection; the body has no say in them.',
    body: relinkBody,
    bodyOptional: true,
    reply: { 201: mintedSession },
    errors: ['NOT_FOUND', 'CONNECTION_DISCONNECTED'],
  })
  async relink(
    @Req() request: FastifyRequest,
    @Caller() context: Context,
    @RequestBody() body: RelinkBody,
    @Param('id') id: string,
  ) {
    await this.origins.refuseForeign(context, body.redirect_url);
    return minted(await this.links.relink(request, idInPath('connection', id), body));
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/link',
    access: 'any',
    summary: 'List link sessions, newest first',
    query: sessionsQuery,
    reply: { 200: sessionsPage },
    errors: ['INVALID_PARAMETER', 'INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: SessionsQuery) {
    const user_id = idInField('user', 'user_id', query.user_id);
    const connection_id = idInField('connection', 'connection_id', query.connection_id);
    const found = await this.services.read('link-session.list', { context, ...query, user_id, connection_id });
    return householdPage('sessions', found, toLinkSession);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/connections/link/:id',
    access: 'any',
    summary: 'Look at a link session',
    query: asOfQuery,
    reply: { 200: linkSession },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: AsOfQuery) {
    const id = idInPath('link_session', text);
    return toLinkSession(await this.services.read('link-session.get', { context, id, ...query }));
  }

  @Endpoint({
    method: 'DELETE',
    path: '/api/v1/connections/link/:id',
    access: 'full_access',
    summary: 'Cancel a live session',
    description: 'It ends as `failed` with the error code `CANCELLED`, and its URL is dead at once.',
    reply: { 204: null },
    errors: ['NOT_FOUND', 'INVALID_STATE'],
  })
  async cancel(@Caller() context: Context, @Param('id') id: string): Promise<void> {
    await this.services.write('link-session.cancel', { context, id: idInPath('link_session', id) });
  }
}

const minted = ({ token, url, session }: FreshLink) => ({ token, url, ...toLinkSession(session) });
