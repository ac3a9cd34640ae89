import { Controller, Inject, Param, Req } from '@nestjs/common';
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
import type { Context, Tenant, Written } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { idOf, shortIdOf } from '#contracts/ids.js';
import type { SessionTerms, SessionView } from '#contracts/link-session.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { Endpoint } from './endpoint.js';
import { householdPage } from './household-page.js';
import { idInField, idInPath } from './ids.js';
import { Services } from './services.js';
import { Caller, RequestBody, RequestQuery } from './params.js';
import { publicBase } from './public-base.js';
import { RedirectOrigins } from './redirect-origins.js';

/** What follows from a new token. The token itself leaves this process only in the reply. */
type Identity = Pick<SessionTerms, 'id' | 'short_id' | 'token_hash'>;

/** Hosted-link sessions: minted here with a one-time token, opened by a person, watched by the agent. */
@Controller()
export class LinkSessionController {
  constructor(
    private readonly services: Services,
    @Inject(CONFIG) private readonly config: GatewayConfig,
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
    return this.withToken(request, (identity) => {
      const terms = newLinkTerms(identity, context.tenant, { ...body, user_id });
      return this.services.write('link-session.mint', { context, terms, ttl_seconds: body.expires_in_seconds });
    });
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
    @RequestBody() { redirect_url, label, expires_in_seconds: ttl_seconds }: RelinkBody,
    @Param('id') id: string,
  ) {
    await this.origins.refuseForeign(context, redirect_url);
    const connection_id = idInPath('connection', id);
    return this.withToken(request, (identity) => {
      const terms = { ...identity, redirect_url, label };
      return this.services.write('link-session.relink', { context, connection_id, terms, ttl_seconds });
    });
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

  private async withToken(request: FastifyRequest, mint: (identity: Identity) => Promise<Written<SessionView>>) {
    return withFreshId(async () => {
      const token = newToken(request.random);
      const token_hash = hashSecret(token);
      const short_id = shortIdOf(token_hash);
      const { view } = await mint({ id: idOf('link_session', short_id), short_id, token_hash });
      return { token, url: `${publicBase(request, this.config)}/link/${token}`, ...toLinkSession(view) };
    });
  }
}

/** Spelled out, because a literal of several spreads costs a tenth of all that a mint costs this process. */
const newLinkTerms = (
  { id, short_id, token_hash }: Identity,
  { project_id, environment }: Tenant,
  { user_id, provider, single_use, redirect_url, label }: MintBody,
): SessionTerms => ({
  action: 'link',
  connection_id: null,
  id,
  short_id,
  token_hash,
  project_id,
  environment,
  user_id,
  provider,
  single_use,
  redirect_url,
  label,
});
