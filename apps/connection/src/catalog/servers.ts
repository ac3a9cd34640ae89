import type { ServerEntry } from '#contracts/api/servers.js';

const banks: ServerEntry[] = [
  {
    ...{ id: 'plaid', name: 'Plaid', category: 'banking', country: 'GLOBAL', auth_type: 'hosted_link' },
    ...{ base_url: 'https://production.plaid.com', docs: 'https://plaid.com/docs' },
    webhook: { scheme: 'plaid', header: 'Plaid-Verification' },
  },
  {
    ...{ id: 'teller', name: 'Teller', category: 'banking', country: 'US', auth_type: 'hosted_link' },
    ...{ base_url: 'https://api.teller.io', docs: 'https://teller.io/docs' },
    webhook: { scheme: 'teller', header: 'Teller-Signature' },
  },
  {
    ...{ id: 'banco-do-brasil', name: 'Banco do Brasil', category: 'banking', country: 'BR', auth_type: 'cert' },
    ...{ base_url: 'https://api-pix.bb.com.br/pix/v2', docs: 'https://developers.bb.com.br' },
    secret_names: ['cert', 'key'],
  },
];

const payments: ServerEntry[] = [
  {
    ...{ id: 'stripe', name: 'Stripe', category: 'payments', country: 'GLOBAL', auth_type: 'api_key', tools_count: 8 },
    ...{ base_url: 'https://api.stripe.com', docs: 'https://docs.stripe.com/api', secret_names: ['api_key'] },
    webhook: { scheme: 'stripe', header: 'Stripe-Signature' },
    validation: { method: 'GET', path: '/v1/balance' },
  },
  {
    ...{ id: 'asaas', name: 'Asaas', category: 'payments', country: 'BR', auth_type: 'api_key' },
    ...{ base_url: 'https://api.asaas.com/v3', docs: 'https://docs.asaas.com', secret_names: ['api_key'] },
    webhook: { scheme: 'static-token', header: 'asaas-access-token' },
    validation: { method: 'GET', path: '/myAccount/status' },
  },
  {
    ...{ id: 'zoop', name: 'Zoop', category: 'payments', country: 'BR', auth_type: 'api_key' },
    ...{ base_url: 'https://api.zoop.ws/v1', docs: 'https://docs.zoop.co', secret_names: ['api_key'] },
    webhook: { scheme: 'basic', header: 'Authorization' },
  },
  {
    ...{ id: 'conekta', name: 'Conekta', category: 'payments', country: 'MX', auth_type: 'api_key' },
    ...{ base_url: 'https://api.conekta.io', docs: 'https://developers.conekta.com', secret_names: ['api_key'] },
  },
  {
    ...{ id: 'wompi', name: 'Wompi', category: 'payments', country: 'CO', auth_type: 'two_header' },
    ...{ base_url: 'https://production.wompi.co/v1', docs: 'https://docs.wompi.co' },
    secret_names: ['public_key', 'private_key'],
  },
  {
    ...{ id: 'picpay', name: 'PicPay', category: 'payments', country: 'BR', auth_type: 'two_header' },
    ...{ base_url: 'https://appws.picpay.com/ecommerce/public', docs: 'https://studio.picpay.com' },
    secret_names: ['picpay_token', 'seller_token'],
    webhook: { scheme: 'static-token', header: 'x-seller-token' },
  },
  {
    id: 'mercadopago',
    ...{ name: 'Mercado Pago', category: 'payments', country: 'BR', auth_type: 'oauth', tools_count: 6 },
    ...{ base_url: 'https://api.mercadopago.com', docs: 'https://www.mercadopago.com.br/developers' },
    webhook: { scheme: 'mercadopago', header: 'x-signature' },
    validation: { method: 'GET', path: '/users/me' },
    oauth: {
      authorize_url: 'https://auth.mercadopago.com/authorization',
      token_url: 'https://api.mercadopago.com/oauth/token',
      scopes: ['read', 'write', 'offline_access'],
    },
  },
];

const business: ServerEntry[] = [
  {
    ...{ id: 'omie', name: 'Omie', category: 'erp', country: 'BR', auth_type: 'two_header' },
    ...{ base_url: 'https://app.omie.com.br/api/v1', docs: 'https://developer.omie.com.br' },
    secret_names: ['app_key', 'app_secret'],
  },
  {
    ...{ id: 'siigo', name: 'Siigo', category: 'erp', country: 'CO', auth_type: 'two_header' },
    ...{ base_url: 'https://api.siigo.com/v1', docs: 'https://siigoapi.docs.apiary.io' },
    secret_names: ['username', 'access_key'],
  },
  {
    ...{ id: 'shopify', name: 'Shopify', category: 'commerce', country: 'GLOBAL', auth_type: 'oauth' },
    ...{ base_url: 'https://{shop}.myshopify.com/admin/api', docs: 'https://shopify.dev/docs/api' },
    oauth: {
      authorize_url: 'https://{shop}.myshopify.com/admin/oauth/authorize',
      token_url: 'https://{shop}.myshopify.com/admin/oauth/access_token',
      scopes: ['read_orders', 'read_products'],
    },
  },
  {
    ...{ id: 'z-api', name: 'Z-API', category: 'messaging', country: 'BR', auth_type: 'path_secret' },
    ...{ base_url: 'https://api.z-api.io', docs: 'https://developer.z-api.io' },
    secret_names: ['instance_id', 'instance_token'],
    validation: { method: 'GET', path: '/instances/{instance_id}/token/{instance_token}/status' },
  },
  {
    ...{ id: 'brasil-api', name: 'BrasilAPI', category: 'data', country: 'BR', auth_type: 'none' },
    ...{ base_url: 'https://brasilapi.com.br/api', docs: 'https://brasilapi.com.br/docs' },
    validation: { method: 'GET', path: '/banks/v1' },
  },
];

const fiscal: ServerEntry[] = [
  {
    ...{ id: 'nfe-io', name: 'NFE.io', category: 'fiscal', country: 'BR', auth_type: 'api_key' },
    ...{ base_url: 'https://api.nfe.io/v1', docs: 'https://nfe.io/docs', secret_names: ['api_key'] },
  },
  {
    ...{ id: 'facturapi', name: 'Facturapi', category: 'fiscal', country: 'MX', auth_type: 'api_key' },
    ...{ base_url: 'https://www.facturapi.io/v2', docs: 'https://docs.facturapi.io', secret_names: ['api_key'] },
  },
  {
    ...{ id: 'afip', name: 'AFIP', category: 'fiscal', country: 'AR', auth_type: 'cert' },
    ...{ base_url: 'https://servicios1.afip.gov.ar', docs: 'https://www.afip.gob.ar/ws' },
    secret_names: ['cert', 'key'],
  },
  {
    ...{ id: 'nuvem-fiscal', name: 'Nuvem Fiscal', category: 'fiscal', country: 'BR', auth_type: 'oauth' },
    ...{ base_url: 'https://api.nuvemfiscal.com.br', docs: 'https://dev.nuvemfiscal.com.br' },
    secret_names: ['client_id', 'client_secret'],
    oauth: { grant: 'client_credentials', token_url: 'https://auth.nuvemfiscal.com.br/oauth/token' },
  },
];

const logistics: ServerEntry[] = [
  {
    ...{ id: 'melhor-envio', name: 'Melhor Envio', category: 'logistics', country: 'BR', auth_type: 'api_key' },
    ...{ base_url: 'https://melhorenvio.com.br/api/v2', docs: 'https://docs.melhorenvio.com.br' },
    secret_names: ['api_key'],
  },
  {
    ...{ id: 'skydropx', name: 'Skydropx', category: 'logistics', country: 'MX', auth_type: 'api_key' },
    ...{ base_url: 'https://api.skydropx.com/v1', docs: 'https://docs.skydropx.com', secret_names: ['api_key'] },
  },
  {
    ...{ id: 'andreani', name: 'Andreani', category: 'logistics', country: 'AR', auth_type: 'api_key' },
    ...{ base_url: 'https://apis.andreani.com', docs: 'https://developers.andreani.com', secret_names: ['api_key'] },
  },
  {
    ...{ id: 'coordinadora', name: 'Coordinadora', category: 'logistics', country: 'CO', auth_type: 'api_key' },
    ...{ base_url: 'https://api.coordinadora.com', docs: 'https://coordinadora.com', secret_names: ['api_key'] },
  },
];

const crypto: ServerEntry[] = [
  {
    ...{ id: 'foxbit', name: 'Foxbit', category: 'crypto', country: 'BR', auth_type: 'hmac_signed' },
    ...{ base_url: 'https://api.foxbit.com.br', docs: 'https://docs.foxbit.com.br' },
    secret_names: ['access_key', 'secret'],
    validation: { method: 'GET', path: '/rest/v3/me' },
  },
  {
    id: 'coinbase-cdp-trading',
    ...{ name: 'Coinbase CDP Trading', category: 'crypto', country: 'GLOBAL', auth_type: 'jwt_ecdsa' },
    ...{ base_url: 'https://api.coinbase.com', docs: 'https://docs.cdp.coinbase.com' },
    secret_names: ['key_name', 'private_key'],
    validation: { method: 'GET', path: '/api/v3/brokerage/accounts' },
  },
];

/** What is publicly known of these servers. A tools_count of 0 says that nobody has counted. */
export const builtIn: ServerEntry[] = [...banks, ...payments, ...business, ...fiscal, ...logistics, ...crypto];
