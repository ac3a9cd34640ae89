import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { certificate, certificateOfTwoInOne } from '#testing/certificate.js';
import { Catalog } from './catalog/catalog.js';
import { checkSecret } from './secret-shape.js';

const catalog = Catalog.from({ SANDBOX: false });
const check = (server: string, secret: string | Record<string, string>) => () =>
  checkSecret(catalog.get(server), secret);
const refused = (code: string, details?: object) => expect.objectContaining({ code, ...(details && { details }) });
const pemOf = (curve: string) =>
  generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('a secret', () => {
  it('is one string for a server with one', () => {
    expect(check('asaas', 'key')()).toEqual({});
    expect(check('asaas', { api_key: 'key' })).toThrow(refused('INVALID_SECRET_SHAPE'));
  });

  it('is an object of exactly the declared names for a server with several', () => {
    expect(check('z-api', { instance_id: 'a', instance_token: 'b' })()).toEqual({});
    expect(check('z-api', 'a')).toThrow(refused('INVALID_SECRET_SHAPE'));
    expect(check('z-api', { instance_id: 'a', token: 'b', x: 'c' })).toThrow(
      refused('KEYS_MISMATCH', { missing: ['instance_token'], extra: ['token', 'x'] }),
    );
    expect(check('z-api', {})).toThrow(
      refused('KEYS_MISMATCH', { missing: ['instance_id', 'instance_token'], extra: [] }),
    );
  });

  it('holds its names itself: what it inherits does not count', () => {
    const inherited = Object.create({ instance_id: 'a', instance_token: 'b' }) as Record<string, string>;
    expect(check('z-api', inherited)).toThrow(refused('KEYS_MISMATCH'));
    expect(check('z-api', { instance_id: 'a', instance_token: 'b', constructor: 'c' })).toThrow(
      refused('KEYS_MISMATCH', { missing: [], extra: ['constructor'] }),
    );
  });

  it.each(['mercadopago', 'plaid', 'brasil-api'])('is not what makes a connection to %s', (server) =>
    expect(check(server, 'x')).toThrow(refused('NOT_API_KEY_SERVER')),
  );

  it('signs with a readable key on P-256', () => {
    const name = 'coinbase-cdp-trading';
    expect(check(name, { key_name: 'k', private_key: pemOf('P-256') })()).toEqual({});
    expect(check(name, { key_name: 'k', private_key: pemOf('P-256').replaceAll('\n', '\\n') })()).toEqual({});
    expect(check(name, { key_name: 'k', private_key: pemOf('P-384') })).toThrow(refused('INVALID_SECRET_SHAPE'));
    expect(check(name, { key_name: 'k', private_key: 'no key' })).toThrow(refused('INVALID_SECRET_SHAPE'));
  });
});

/** How a certificate writes which attribute follows. */
const COMMON_NAME = '\x55\x04\x03';
const ORGANISATION = '\x55\x04\x0a';

/** The certificate with other bytes; nobody looks at its signature. */
function altered(from: string, to: string): string {
  const bytes = new X509Certificate(certificate.cert).raw.toString('latin1').replaceAll(from, to);
  return new X509Certificate(Buffer.from(bytes, 'latin1')).toString();
}

describe('a certificate', () => {
  const { cert, key, subject } = certificate;

  it('says whose it is and how long it is valid', () => {
    expect(check('afip', { cert, key })()).toEqual({
      subject_cn: subject,
      issuer_cn: subject,
      not_before: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      not_after: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      fingerprint_sha256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
  });

  it.each([
    ['one with a comma', 'merchant 42', 'Acme, Inc.2', 'Acme, Inc.2'],
    ['one of several', ORGANISATION, COMMON_NAME, 'Example'],
    ['none', COMMON_NAME, ORGANISATION, null],
  ])('says whose it is when the name is %s', (_, from, to, name) =>
    expect(check('afip', { cert: altered(from, to), key })()).toMatchObject({ subject_cn: name, issuer_cn: name }),
  );

  it('says whose it is when the name is a part of a part', () =>
    expect(check('afip', { cert: certificateOfTwoInOne, key })()).toMatchObject({ subject_cn: 'B', issuer_cn: 'B' }));

  it('is not stored when its moments are none', () =>
    expect(check('afip', { cert: altered('261122052038Z', '261399999999Z'), key })).toThrow(
      refused('INVALID_SECRET_SHAPE'),
    ));

  it('is not stored with the key of another', () =>
    expect(check('afip', { cert, key: pemOf('P-256') })).toThrow(refused('INVALID_SECRET_SHAPE')));

  it('is not stored when it is not readable, and the refusal does not quote it', () => {
    const secret = { cert: 'SECRET-CERT', key };
    expect(check('afip', secret)).toThrow(refused('INVALID_SECRET_SHAPE'));
    expect(check('afip', secret)).not.toThrow(/SECRET-CERT/);
  });
});
