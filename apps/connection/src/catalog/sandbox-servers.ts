import type { ServerEntry } from '#contracts/api/servers.js';

/** The real servers whose authorization the bank plays, except where the operator has registered with the real one. */
export const playedBy = (bankUrl: string, servers: ServerEntry[], registered: string[]): ServerEntry[] =>
  servers.map((entry) => {
    const addresses = played(bankUrl)[entry.id];
    if (!addresses || !entry.oauth || registered.includes(entry.id)) return entry;
    return { ...entry, oauth: { ...entry.oauth, ...addresses } };
  });

const played = (bankUrl: string): Record<string, { authorize_url: string; token_url: string }> => ({
  mercadopago: {
    authorize_url: `${bankUrl}/oauth/mercadopago/authorization`,
    token_url: `${bankUrl}/oauth/mercadopago/oauth/token`,
  },
  shopify: {
    authorize_url: `${bankUrl}/oauth/shopify/admin/oauth/authorize?shop={shop}.myshopify.com`,
    token_url: `${bankUrl}/oauth/shopify/admin/oauth/access_token`,
  },
});

/** Servers that the sandbox bank plays, for every way to be known to one. */
export const sandboxServers = (bankUrl: string): ServerEntry[] => {
  const common = { category: 'sandbox', country: 'GLOBAL', base_url: bankUrl } as const;
  const validation = { method: 'GET', path: '/sandbox/validate' } as const;
  return [
    {
      ...{ ...common, id: 'sandbox-api', name: 'Sandbox API', auth_type: 'api_key', secret_names: ['api_key'] },
      webhook: { scheme: 'stripe', header: 'Stripe-Signature' },
    },
    {
      ...{ ...common, id: 'sandbox-oauth', name: 'Sandbox OAuth', auth_type: 'oauth' },
      oauth: {
        authorize_url: `${bankUrl}/oauth/authorize`,
        token_url: `${bankUrl}/oauth/token`,
        scopes: ['read', 'write', 'offline_access'],
      },
    },
    {
      ...{ ...common, validation, id: 'sandbox-hmac', name: 'Sandbox HMAC', auth_type: 'hmac_signed' },
      secret_names: ['access_key', 'secret'],
      webhook: { scheme: 'hmac-hex', header: 'X-Signature' },
    },
    {
      ...{ ...common, validation, id: 'sandbox-jwt', name: 'Sandbox JWT', auth_type: 'jwt_ecdsa' },
      secret_names: ['key_name', 'private_key'],
    },
    {
      ...{ ...common, id: 'sandbox-github', name: 'Sandbox GitHub', auth_type: 'api_key', secret_names: ['api_key'] },
      webhook: { scheme: 'github', header: 'x-hub-signature-256' },
    },
    {
      ...{ ...common, id: 'sandbox-path', name: 'Sandbox path secrets', auth_type: 'path_secret' },
      secret_names: ['instance_id', 'instance_token'],
    },
  ];
};
