import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Server } from '#contracts/api/servers.js';
import { DomainError } from '#contracts/errors.js';
import { fromSetting, SettingsError } from '#service/settings-error.js';
import type { OAuthClient } from './client.js';

const registered = z.record(z.string(), z.object({ client_id: z.string().min(1), client_secret: z.string().min(1) }));
export type RegisteredClients = z.output<typeof registered>;

/** Our applications at the providers, by server: OAUTH_CLIENTS itself or the file of OAUTH_CLIENTS_FILE, as JSON. */
export function registeredClients(env: {
  OAUTH_CLIENTS?: string | undefined;
  OAUTH_CLIENTS_FILE?: string | undefined;
}): RegisteredClients {
  const { OAUTH_CLIENTS_FILE: file } = env;
  const ofFile = () => (file ? fromSetting('OAUTH_CLIENTS_FILE', () => readFileSync(file, 'utf8')) : '{}');
  const text = env.OAUTH_CLIENTS ?? ofFile();
  try {
    return registered.parse(JSON.parse(text));
  } catch {
    // What exactly is wrong with it could quote a secret.
    const name = env.OAUTH_CLIENTS === undefined ? 'OAUTH_CLIENTS_FILE' : 'OAUTH_CLIENTS';
    throw new SettingsError(`${name} must hold JSON: {"<server id>": {"client_id": "…", "client_secret": "…"}}`);
  }
}

type Ways = Pick<
  OAuthClient,
  'scopeSeparator' | 'authorizeParameters' | 'tokenParameters' | 'metadataFields' | 'deadGrantCodes' | 'signsCallback'
>;

/** Where a provider leaves the standard, or says something of the account that is worth keeping. */
const ways: Record<string, Ways> = {
  // https://www.mercadopago.com.br/developers/en/docs/security/oauth/creation
  mercadopago: {
    authorizeParameters: { platform_id: 'mp' },
    metadataFields: ['user_id', 'live_mode'],
    // "Has no grant with the user": https://www.mercadopago.com.br/developers/en/reference/oauth/_oauth_token/post
    deadGrantCodes: ['unauthorized_client'],
  },
  // https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
  shopify: { scopeSeparator: ',', tokenParameters: { expiring: '1' }, signsCallback: true },
  'sandbox-oauth': { metadataFields: ['user_id'] },
};

/** The client for a server; refuses one that has no authorization, or at which we are not registered. */
export function clientOf(
  { id, oauth }: Server,
  { clients, isOfSandbox }: { clients: RegisteredClients; isOfSandbox: (address: string) => boolean },
): OAuthClient {
  const client = Object.hasOwn(clients, id) ? clients[id] : undefined;
  if (!client || oauth?.grant !== 'authorization_code' || oauth.authorize_url === null) {
    throw new DomainError('SERVER_OAUTH_NOT_CONFIGURED');
  }
  return {
    ...ways[id],
    serverId: id,
    sandbox: isOfSandbox(oauth.token_url.replace('{shop}', 'shop')),
    authorizeUrl: oauth.authorize_url,
    tokenUrl: oauth.token_url,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    scopes: oauth.scopes,
  };
}

/** Servers whose authorization the sandbox bank plays, unless the operator has registered with the real ones. */
export const playedBySandbox = ['sandbox-oauth', 'mercadopago', 'shopify'] as const;

/** The application that is registered at the sandbox bank. */
export function sandboxClients(env: {
  SANDBOX: boolean;
  SANDBOX_OAUTH_CLIENT_SECRET?: string | undefined;
}): RegisteredClients {
  const secret = env.SANDBOX_OAUTH_CLIENT_SECRET;
  if (!env.SANDBOX || !secret) return {};
  const client = { client_id: 'latchkey-sandbox', client_secret: secret };
  return Object.fromEntries(playedBySandbox.map((id) => [id, client]));
}
