import { type FastifyInstance } from 'fastify';
import { authorizeRoutes } from './oauth-authorize.js';
import { OauthGrants } from './oauth-grants.js';
import { pageStyle } from './oauth-page.js';
import { tokenRoutes } from './oauth-token-api.js';

export interface OauthSettings {
  /** The ledger's file; the grants are kept beside it. */
  dataFile: string;
  /** How long a token endpoint that is to be slow takes: longer than any caller's deadline. */
  slowMs?: number;
}

/**
 * An OAuth provider with PKCE and rotating refresh tokens, in three shapes: as the standard has it, and as Mercado Pago and
 * Shopify do, each of which with its real paths under a prefix of its own.
 */
export function oauthApi(app: FastifyInstance, { dataFile, slowMs = 15_000 }: OauthSettings): void {
  const grants = new OauthGrants(`${dataFile}.oauth`);
  app.addHook('onClose', (_app, done) => {
    grants.close();
    done();
  });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.get('/sandbox/oauth.css', (_request, reply) =>
    reply.type('text/css; charset=utf-8').header('x-content-type-options', 'nosniff').send(pageStyle),
  );
  for (const shape of ['plain', 'mercadopago', 'shopify'] as const) {
    authorizeRoutes(app, grants, shape);
    tokenRoutes(app, grants, shape, slowMs);
  }
  grantRoutes(app, grants);
}

/** The witness for OAuth: what was granted and how often it was refreshed; and the way to end a grant from outside. */
function grantRoutes(app: FastifyInstance, grants: OauthGrants): void {
  app.get('/sandbox/oauth/grants', () => ({
    grants: grants.all().map(({ id, shape, userId, scope, refreshes, dead }) => {
      return { id, shape, user_id: userId, scope, refreshes, state: dead ? 'dead' : 'live' };
    }),
  }));
  app.post<{ Params: { id: string } }>('/sandbox/oauth/grants/:id/kill', async ({ params }, reply) => {
    const grant = grants.byId(params.id);
    if (!grant) return reply.status(404).send({ error: { code: 'not_found', message: 'There is no such grant.' } });
    grants.put({ ...grant, dead: true });
    return reply.status(204).send();
  });
}
