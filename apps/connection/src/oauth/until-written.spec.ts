import { describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { contextFor, newTenant } from '#testing/callers.js';
import type { Vault } from '../vault/vault.service.js';
import type { TakenLink } from './link-state.js';
import { LinkTable } from './link-table.js';
import { TokenTable } from './token-table.js';
import { untilWritten } from './until-written.js';

const tokens = {
  ...{ accessToken: 'a', refreshToken: 'r', obtainedAt: new Date(), expiresAt: null, scope: null, metadata: {} },
};

const tenant = newTenant();
const taken = { received: { code: 'c', verifier: 'v' } } as TakenLink;

/** Fails so many times, and then works. */
const failing = (times: number) => {
  let tries = 0;
  const write = () => (++tries > times ? Promise.resolve('written') : Promise.reject(new Error(`away ${tries}`)));
  return { write, tries: () => tries };
};

describe('a write of what exists nowhere else', () => {
  it('is tried again until it is done', async () => {
    const { write, tries } = failing(2);
    expect([await untilWritten(write, 1_000), tries()]).toEqual(['written', 3]);
  });

  it('is given up when the time is over, with what the last try said', async () => {
    const { write, tries } = failing(10);
    await expect(untilWritten(write, 150)).rejects.toThrow('away 2');
    expect(tries()).toBe(2);
  });

  it('outlives a moment without the database: of refreshed tokens, of a code and of a link', async () => {
    const { write, tries } = failing(1);
    const vault = { put: () => write() } as unknown as Vault;
    await new TokenTable({} as DataSource, vault).keepRefreshed({ id: 'c' } as ConnectionView, tokens);
    expect(tries()).toBe(2);
    for (const step of ['take', 'learn'] as const) {
      const { write, tries } = failing(1);
      const query = () => Promise.resolve([[{ state_hash: 'h' }], 1]);
      const transaction = (work: (db: EntityManager) => Promise<unknown>) =>
        write().then(() => work({ query } as unknown as EntityManager));
      const table = new LinkTable(
        { transaction } as unknown as DataSource,
        { put: () => undefined } as unknown as Vault,
      );
      if (step === 'learn') await table.learn('h', tokens);
      else await table.take('h', { serverId: 's', context: contextFor(tenant) }, () => taken);
      expect(tries()).toBe(2);
    }
  });
});
