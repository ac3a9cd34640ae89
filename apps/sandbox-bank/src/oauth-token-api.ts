import { setTimeout as delay } from 'node:timers/promises';
import { type FastifyInstance } from 'fastify';
import { type OauthGrants, type OauthShape } from './oauth-grants.js';
import { lifeSeconds, OauthRefusal, SHOP, type Tokens, tokensFor } from './oauth-tokens.js';

const paths: Record<OauthShape, { token: string; account: string }> = {
  plain: { token: '/oauth/token', account: '/oauth/account' },
  mercadopago: { token: '/oauth/mercadopago/oauth/token', account: '/oauth/mercadopago/users/me' },
  shopify: { token: '/oauth/shopify/admin/oauth/access_token', account: '/oauth/shopify/admin/api/shop.json' },
};

/** The token endpoint, and one read that shows whether an access token works. */
export function tokenRoutes(app: FastifyInstance, grants: OauthGrants, shape: OauthShape, slowMs: number): void {
  app.post<{ Body: { code?: unknown } | null }>(paths[shape].token, async ({ body }, reply) => {
    reply.header('cache-control', 'no-store');
    if (grants.code(String(body?.code))?.trouble === 'slow_token') await delay(slowMs, undefined, { ref: false });
    try {
      return tokenReply(shape, tokensFor(grants, shape, body));
    } catch (error) {
      if (!(error instanceof OauthRefusal)) throw error;
      return reply.status(error.code === 'invalid_client' ? 401 : 400).send(errorReply(shape, error));
    }
  });
  app.get(paths[shape].account, async ({ headers }, reply) => {
    const bearer = (headers.authorization ?? '').replace(/^Bearer /, '');
    const grant = grants.byAccessToken(shape === 'shopify' ? String(headers['x-shopify-access-token']) : bearer);
    const works = grant?.shape === shape && !grant.dead && (grant.accessExpiresAt ?? Infinity) > Date.now();
    if (!works) return reply.status(401).send({ error: 'unauthorized', message: 'invalid access token', status: 401 });
    return shape === 'shopify' ? { shop: { id: grant.userId, domain: SHOP } } : { id: grant.userId };
  });
}

function tokenReply(shape: OauthShape, { accessToken, refreshToken, grant }: Tokens): object {
  const { scope, userId } = grant;
  const expiry = refreshToken !== null && { expires_in: lifeSeconds(grant), refresh_token: refreshToken };
  return shape === 'shopify'
    ? { access_token: accessToken, scope, ...expiry, ...(expiry && { refresh_token_expires_in: 7_776_000 }) }
    : { access_token: accessToken, token_type: 'bearer', scope, user_id: userId, live_mode: false, ...expiry };
}

const errorReply = (shape: OauthShape, { code, message }: OauthRefusal): object =>
  shape === 'mercadopago'
    ? { message, error: code, status: code === 'invalid_client' ? 401 : 400, cause: [] }
    : { error: code, error_description: message };
