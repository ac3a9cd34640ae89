import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { sha256 } from '#contracts/ids.js';
import { type Grant, newUserId, type OauthGrants, type OauthShape, type PendingCode } from './oauth-grants.js';

/** The one application that is registered at all sandbox providers. */
export const oauthClient = {
  id: 'latchkey-sandbox',
  secret: process.env['SANDBOX_OAUTH_CLIENT_SECRET'] ?? 'sandbox-client-secret',
};

/** The shop of whoever names none. */
export const SHOP = 'sandbox-shop.myshopify.com';

const LIFE_SECONDS: Record<OauthShape, number> = { plain: 3600, mercadopago: 15_552_000, shopify: 3600 };
const SHORT_LIFE_SECONDS = 60;

const tokenBody = z.object({
  grant_type: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  code: z.string().optional(),
  code_verifier: z.string().optional(),
  redirect_uri: z.string().optional(),
  refresh_token: z.string().optional(),
  /** Shopify: 1 asks for tokens that expire and can be refreshed. */
  expiring: z.union([z.string(), z.number()]).optional(),
});
type TokenBody = z.infer<typeof tokenBody>;

export class OauthRefusal extends Error {
  constructor(
    readonly code: 'invalid_client' | 'invalid_grant' | 'invalid_request' | 'unsupported_grant_type',
    message: string,
  ) {
    super(message);
  }
}

export interface Tokens {
  accessToken: string;
  refreshToken: string | null;
  grant: Grant;
}

/** Answers the token endpoint. Every use of a refresh token gives a new one, and the old one is worth nothing from then on. */
export function tokensFor(grants: OauthGrants, shape: OauthShape, sent: unknown): Tokens {
  const body = tokenBody.parse(sent);
  if (body.client_id !== oauthClient.id || body.client_secret !== oauthClient.secret) {
    throw new OauthRefusal('invalid_client', 'The client id or the client secret is wrong.');
  }
  const grantType = body.grant_type ?? (shape === 'shopify' ? 'authorization_code' : '');
  if (grantType === 'authorization_code') return exchanged(grants, shape, body);
  if (grantType === 'refresh_token') return refreshed(grants, shape, body);
  throw new OauthRefusal('unsupported_grant_type', 'The grant type is none of authorization_code and refresh_token.');
}

function exchanged(grants: OauthGrants, shape: OauthShape, body: TokenBody): Tokens {
  const pending = grants.code(body.code ?? '');
  if (pending?.shape !== shape || pending.expiresAt <= Date.now()) throw invalid('code');
  const used = grants.byId(pending.grantId ?? '');
  if (used) grants.put({ ...used, dead: true });
  if (used || !fits(pending, shape, body)) throw invalid('code');

  const grant: Grant = {
    id: randomUUID(),
    shape,
    userId: newUserId(),
    scope: pending.scope,
    trouble: pending.trouble,
    accessHash: '',
    accessExpiresAt: null,
    refreshHash: null,
    refreshes: 0,
    dead: false,
  };
  pending.grantId = grant.id;
  return withNewTokens(grants, grant, { expires: shape !== 'shopify' || String(body.expiring) === '1' });
}

/** The code is good only with the verifier of its challenge, and at Mercado Pago with the address it was sent to. */
function fits(pending: PendingCode, shape: OauthShape, { code_verifier, redirect_uri }: TokenBody): boolean {
  const verifier = code_verifier ?? '';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const sameAddress = redirect_uri === pending.redirectUri || (shape === 'shopify' && redirect_uri === undefined);
  return /^[\w.~-]{43,128}$/.test(verifier) && challenge === pending.challenge && sameAddress;
}

function refreshed(grants: OauthGrants, shape: OauthShape, body: TokenBody): Tokens {
  const grant = grants.byRefreshToken(body.refresh_token ?? '');
  if (grant?.shape !== shape || grant.dead || grant.trouble === 'dead_refresh') throw invalid('refresh token');
  return withNewTokens(grants, { ...grant, refreshes: grant.refreshes + 1 }, { expires: true });
}

function withNewTokens(grants: OauthGrants, before: Grant, { expires }: { expires: boolean }): Tokens {
  const [accessPrefix, refreshPrefix] = before.shape === 'shopify' ? ['shpat_', 'shprt_'] : ['APP_USR-', 'TG-'];
  const accessToken = accessPrefix + randomBytes(24).toString('hex');
  const refreshToken = expires ? refreshPrefix + randomBytes(24).toString('hex') : null;
  const grant: Grant = {
    ...before,
    accessHash: sha256(accessToken),
    accessExpiresAt: expires ? Date.now() + lifeSeconds(before) * 1000 : null,
    refreshHash: refreshToken && sha256(refreshToken),
  };
  grants.put(grant);
  return { accessToken, refreshToken, grant };
}

export const lifeSeconds = ({ shape, trouble }: Pick<Grant, 'shape' | 'trouble'>): number =>
  trouble === 'short_life' ? SHORT_LIFE_SECONDS : LIFE_SECONDS[shape];

const invalid = (what: string): OauthRefusal =>
  new OauthRefusal('invalid_grant', `The ${what} is unknown, expired or already used, or belongs to another request.`);
