import { beforeEach, expect, it } from '@jest/globals';
import type { ConnectionView } from '#contracts/connection.js';
import { contextFor, newTenant } from '#testing/callers.js';
import type { CredentialAccesses } from './credential-accesses.js';
import { CredentialLost, Credentials } from './credentials.service.js';
import type { Vault } from './vault/vault.service.js';

/** The version that each record of an opening finds, the last one from then on, and what lies in the vault. */
let versions: (number | null)[];
let vault: Map<number | undefined, string>;
let records: number;

beforeEach(() => {
  records = 0;
  vault = new Map();
});

const open = () => {
  const record = () => Promise.resolve({ id: 'c', credential_version: versions[records++] ?? versions.at(-1) });
  const read = (_slot: unknown, version?: number) => Promise.resolve(vault.get(version) ?? null);
  const credentials = new Credentials({ record } as unknown as CredentialAccesses, { read } as unknown as Vault);
  return credentials.openNamed({ id: 'c' } as ConnectionView, 'oauth_tokens', contextFor(newTenant()));
};

it('a credential that was rotated between record and read is opened as it is now', async () => {
  [versions, vault] = [[1, 2], new Map([[2, 'new']])];
  expect(await open()).toEqual({ secret: 'new', version: 2 });
  expect(records).toBe(2);
});

it.each([7, null])(
  'one that the vault has lost is known by the second record, as version %p still lives',
  async (version) => {
    versions = [version];
    await expect(open()).rejects.toThrow(CredentialLost);
    expect(records).toBe(2);
  },
);

it('one that is rotated again and again is given up', async () => {
  versions = [1, 2, 3, 4];
  await expect(open()).rejects.toThrow(CredentialLost);
  expect(records).toBe(3);
});
