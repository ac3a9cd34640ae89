import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { matching } from '#contracts/api/servers.js';
import { SettingsError } from '#service/settings-error.js';
import { Catalog } from './catalog.js';

const promised = {
  hosted_link: ['plaid', 'teller'],
  api_key:
    'stripe asaas nfe-io melhor-envio conekta facturapi skydropx andreani coordinadora zoop sandbox-api sandbox-github',
  oauth: 'mercadopago shopify nuvem-fiscal sandbox-oauth',
  path_secret: 'z-api sandbox-path',
  hmac_signed: 'foxbit sandbox-hmac',
  jwt_ecdsa: 'coinbase-cdp-trading sandbox-jwt',
  cert: 'banco-do-brasil afip',
  none: 'brasil-api',
};

const sandbox = Catalog.from({ SANDBOX: true, SANDBOX_BANK_URL: 'http://127.0.0.1:9' });
const plain = Catalog.from({ SANDBOX: false });

describe('the catalog', () => {
  it.each(Object.entries(promised))('has the promised servers of auth_type %s', (auth_type, ids) => {
    for (const id of typeof ids === 'string' ? ids.split(' ') : ids)
      expect(sandbox.get(id)).toMatchObject({ auth_type });
  });

  it('knows the names of the secrets', () => {
    expect(plain.get('z-api').secret_names).toEqual(['instance_id', 'instance_token']);
    expect(plain.get('foxbit').secret_names).toEqual(['access_key', 'secret']);
    expect(plain.get('coinbase-cdp-trading').secret_names).toEqual(['key_name', 'private_key']);
    expect(plain.get('banco-do-brasil').secret_names).toEqual(['cert', 'key']);
  });

  it('has the sandbox servers in the sandbox only', () => {
    expect(plain.all().filter(({ id }) => id.startsWith('sandbox'))).toEqual([]);
    expect(sandbox.all()).toHaveLength(plain.all().length + 6);
  });

  it('refuses ids that it does not know, prototypes included', () => {
    expect(() => plain.get('acme')).toThrow(expect.objectContaining({ code: 'SERVER_UNKNOWN' }));
    expect(plain.unknown(['stripe', 'acme', 'acme', '__proto__', 'toString'])).toEqual([
      'acme',
      '__proto__',
      'toString',
    ]);
  });

  it('finds by category, country and a part of id or name, in any case', () => {
    const found = (query: Parameters<typeof matching>[1]) => matching(plain.all(), query).map(({ id }) => id);
    expect(found({ category: 'banking', country: 'br', q: undefined })).toEqual(['banco-do-brasil']);
    expect(found({ category: undefined, country: undefined, q: 'MERCADO' })).toEqual(['mercadopago']);
    expect(found({ category: 'none', country: undefined, q: undefined })).toEqual([]);
  });
});

describe("an operator's own file", () => {
  const withFile = (content: string): Catalog => {
    const folder = mkdtempSync(join(tmpdir(), 'catalog-'));
    try {
      writeFileSync(join(folder, 'own.json'), content);
      return Catalog.from({ SANDBOX: false, CATALOG_FILE: join(folder, 'own.json') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const acme = { id: 'acme', name: 'Acme', category: 'erp', country: 'DE', auth_type: 'api_key', secret_names: ['k'] };

  const entry = (auth_type: string, secret_names: string[], more: object = {}) =>
    JSON.stringify([{ ...acme, auth_type, secret_names, ...more }]);

  it('leaves the names of secrets to the operator where nothing of ours reads them', () => {
    expect(withFile(entry('hmac_signed', ['api_key', 'api_secret'])).get('acme')).toMatchObject({ validation: null });
  });

  it('adds its entries', () => {
    expect(withFile(JSON.stringify([acme])).get('acme')).toMatchObject({ tools_count: 0, webhook: null });
  });

  it.each([
    ['a comma too many', '[{},]', 'CATALOG_FILE'],
    ['no list', '{}', 'must hold a JSON list'],
    ['an id that is taken', JSON.stringify([{ ...acme, id: 'stripe' }]), 'two entries "stripe"'],
    ['a field that does not exist', JSON.stringify([{ ...acme, secrets: [] }]), 'secrets'],
    ['no secret names', JSON.stringify([{ ...acme, secret_names: [] }]), 'needs secret_names'],
    ['a secret named twice', JSON.stringify([{ ...acme, secret_names: ['k', 'k'] }]), 'twice'],
    ['oauth without endpoints', JSON.stringify([{ ...acme, auth_type: 'oauth' }]), 'needs oauth'],
    ['a certificate by another name', entry('cert', ['certificate', 'key']), 'needs the secret_names cert and key'],
    ['a key by another name', entry('jwt_ecdsa', ['kid', 'pem']), 'needs the secret_names key_name and private_key'],
    [
      'HMAC secrets that its validation does not find',
      entry('hmac_signed', ['api_key', 'api_secret'], { validation: { method: 'GET', path: '/me' } }),
      'needs the secret_names access_key and secret',
    ],
    ['a country that is none', JSON.stringify([{ ...acme, country: 'Germany' }]), 'country'],
  ])('stops the start with %s, and is named', (_, content, message) => {
    expect(() => withFile(content)).toThrow(message);
    expect(() => withFile(content)).toThrow(/^CATALOG_FILE.*: /);
    expect(() => withFile(content)).toThrow(SettingsError);
  });
});

it('registered clients stop the start where they are of servers that the catalog has not', () => {
  const withClients = (...ids: string[]) => Catalog.from({ SANDBOX: false }, ids);
  expect(() => withClients('mercadopago', 'shopify')).not.toThrow();
  expect(() => withClients('mercadopgo', 'shopify')).toThrow(
    new SettingsError('OAUTH_CLIENTS or its file: the catalog has no server mercadopgo'),
  );
});
