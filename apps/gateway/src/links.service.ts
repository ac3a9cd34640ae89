import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { MintBody, RelinkBody } from '#contracts/api/link-sessions.js';
import type { Tenant, Written } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { idOf, shortIdOf } from '#contracts/ids.js';
import type { SessionTerms, SessionView } from '#contracts/link-session.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { publicBase } from './public-base.js';
import { callerOf } from './request-context.js';
import { Services } from './services.js';

/** What follows from a new token. */
type Identity = Pick<SessionTerms, 'id' | 'short_id' | 'token_hash'>;

/** A session and the only moment at which its token is known. The token leaves this process only in the reply. */
export interface FreshLink {
  token: string;
  url: string;
  session: SessionView;
}

/** Mints links, for the API and for the dashboard. */
@Injectable()
export class Links {
  constructor(
    private readonly services: Services,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  mint(request: FastifyRequest, wish: MintBody): Promise<FreshLink> {
    const context = callerOf(request);
    return this.withToken(request, (identity) => {
      const terms = newLinkTerms(identity, context.tenant, wish);
      return this.services.write('link-session.mint', { context, terms, ttl_seconds: wish.expires_in_seconds });
    });
  }

  relink(request: FastifyRequest, connection_id: string, wish: RelinkBody): Promise<FreshLink> {
    const { redirect_url, label, expires_in_seconds: ttl_seconds } = wish;
    const context = callerOf(request);
    return this.withToken(request, (identity) => {
      const terms = { ...identity, redirect_url, label };
      return this.services.write('link-session.relink', { context, connection_id, terms, ttl_seconds });
    });
  }

  private withToken(request: FastifyRequest, mint: (identity: Identity) => Promise<Written<SessionView>>) {
    return withFreshId(async () => {
      const token = newToken(request.random);
      const token_hash = hashSecret(token);
      const short_id = shortIdOf(token_hash);
      const { view } = await mint({ id: idOf('link_session', short_id), short_id, token_hash });
      return { token, url: `${publicBase(request, this.config)}/link/${token}`, session: view };
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
