import { createHmac } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type OauthGrants, type OauthShape, type Trouble, troubles } from './oauth-grants.js';
import { authorizePage, pagePolicy, refusedPage } from './oauth-page.js';
import { oauthClient, SHOP } from './oauth-tokens.js';

const CODE_LIFE_MS = 10 * 60 * 1000;

const paths: Record<OauthShape, string> = {
  plain: '/oauth/authorize',
  mercadopago: '/oauth/mercadopago/authorization',
  shopify: '/oauth/shopify/admin/oauth/authorize',
};

const authorizeQuery = z.object({
  client_id: z.string(),
  redirect_uri: z.url({ protocol: /^https?$/ }),
  response_type: z.string().optional(),
  scope: z.string().default(''),
  state: z.string().optional(),
  shop: z
    .string()
    .regex(/^[a-z0-9-]+\.myshopify\.com$/)
    .default(SHOP),
  code_challenge: z.string().optional(),
  code_challenge_method: z.string().optional(),
});
type AuthorizeQuery = z.infer<typeof authorizeQuery>;

const decisionBody = z.object({
  decision: z.enum(['approve', 'deny']),
  trouble: z.enum(Object.keys(troubles) as [Trouble, ...Trouble[]]).default('none'),
});

/** The page that asks the person, and what becomes of the answer. */
export function authorizeRoutes(app: FastifyInstance, grants: OauthGrants, shape: OauthShape): void {
  app.get(paths[shape], (request, reply) => {
    const query = trusted(request, reply);
    if (!query) return reply;
    if (!isComplete(query, shape)) return back(reply, shape, query, { error: 'invalid_request' });
    const scopes = query.scope.split(/[\s,]+/).filter((scope) => scope !== '');
    return html(reply, 200, authorizePage(shape, { host: new URL(query.redirect_uri).host, scopes }));
  });
  app.post(paths[shape], (request, reply) => {
    const query = trusted(request, reply);
    if (!query) return reply;
    if (!isComplete(query, shape)) return back(reply, shape, query, { error: 'invalid_request' });
    const { decision, trouble } = decisionBody.parse(request.body);
    if (decision === 'deny') return back(reply, shape, query, { error: 'access_denied' });
    const code = grants.issueCode({
      shape,
      redirectUri: query.redirect_uri,
      challenge: query.code_challenge!,
      scope: query.scope || defaultScopes[shape],
      trouble,
      expiresAt: trouble === 'expired_code' ? 0 : Date.now() + CODE_LIFE_MS,
    });
    return back(reply, shape, query, { code });
  });
}

const defaultScopes: Record<OauthShape, string> = {
  plain: 'read',
  mercadopago: 'offline_access read write',
  shopify: 'read_products',
};

/** The query of a known application with a web address to go back to; else the page that says why is the answer. */
function trusted(request: FastifyRequest, reply: FastifyReply): AuthorizeQuery | null {
  const query = authorizeQuery.safeParse(request.query);
  if (query.success && query.data.client_id === oauthClient.id) return query.data;
  const reason = query.success ? 'The application is not registered here.' : 'The request could not be read.';
  void html(reply, 400, refusedPage(reason));
  return null;
}

const isComplete = (query: AuthorizeQuery, shape: OauthShape): boolean =>
  (query.response_type === 'code' || (shape === 'shopify' && query.response_type === undefined)) &&
  query.code_challenge_method === 'S256' &&
  /^[\w-]{43}$/.test(query.code_challenge ?? '');

/** Sends the browser back with the outcome and the state as it came. */
function back(
  reply: FastifyReply,
  shape: OauthShape,
  query: AuthorizeQuery,
  outcome: Record<string, string>,
): FastifyReply {
  const { redirect_uri, state, shop } = query;
  const url = new URL(redirect_uri);
  const parameters: Record<string, string> = { ...outcome, ...(state !== undefined && { state }) };
  const all = shape === 'shopify' ? signedByShopify({ ...parameters, shop }) : parameters;
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer').redirect(url.href, 303);
}

/** Shopify names the shop and signs all parameters, sorted, with the application's secret. */
function signedByShopify(outcome: Record<string, string>): Record<string, string> {
  const parameters: Record<string, string> = {
    ...outcome,
    timestamp: String(Math.floor(Date.now() / 1000)),
  };
  const message = Object.keys(parameters)
    .sort()
    .map((name) => `${name}=${parameters[name]}`)
    .join('&');
  return { ...parameters, hmac: createHmac('sha256', oauthClient.secret).update(message).digest('hex') };
}

const html = (reply: FastifyReply, status: number, body: string): FastifyReply =>
  reply
    .status(status)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', pagePolicy)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .send(body);
