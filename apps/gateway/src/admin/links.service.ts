import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Context, Written } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { idOf, shortIdOf } from '#contracts/ids.js';
import type { SessionTerms, SessionView } from '#contracts/link-session.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { Services } from '../services.js';
import { publicBase } from '../public-base.js';

type Identity = Pick<SessionTerms, 'id' | 'short_id' | 'token_hash'>;
export type LinkWish = Pick<SessionTerms, 'user_id' | 'provider' | 'single_use' | 'label'> & { ttl_seconds: number };

/** A session and the only moment at which its address is known. */
export interface FreshLink {
  session: SessionView;
  url: string;
}

/** Links that an operator makes by hand. The person stays on the hosted page when it is done: there is no app to go back to. */
@Injectable()
export class Links {
  constructor(
    private readonly services: Services,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  mint(request: FastifyRequest, context: Context, { ttl_seconds, ...wish }: LinkWish): Promise<FreshLink> {
    const rest = { ...context.tenant, ...wish, action: 'link' as const, connection_id: null, redirect_url: '' };
    return this.withToken(request, (identity) =>
      this.services.write('link-session.mint', { context, terms: { ...identity, ...rest }, ttl_seconds }),
    );
  }

  relink(request: FastifyRequest, context: Context, connection_id: string, ttl_seconds: number): Promise<FreshLink> {
    return this.withToken(request, (identity) => {
      const terms = { ...identity, redirect_url: '', label: '' };
      return this.services.write('link-session.relink', { context, connection_id, terms, ttl_seconds });
    });
  }

  private withToken(request: FastifyRequest, mint: (identity: Identity) => Promise<Written<SessionView>>) {
    return withFreshId(async () => {
      const token = newToken(request.random);
      const token_hash = hashSecret(token);
      const short_id = shortIdOf(token_hash);
      const { view } = await mint({ id: idOf('link_session', short_id), short_id, token_hash });
      return { session: view, url: `${publicBase(request, this.config)}/link/${token}` };
    });
  }
}
