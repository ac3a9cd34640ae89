import { describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { logger } from '#service/logger.js';
import type { KeyQueries } from './key-queries.js';
import { KnownKeys } from './known-keys.js';

logger.level = 'silent';

const knownTo = (query: () => Promise<object[]>, hasCaughtUp = true) =>
  new KnownKeys({ query } as unknown as DataSource, { hasCaughtUp } as KeyQueries);
const noted = () => Promise.resolve([{ id: 'a' }]);
const away = () => Promise.reject(new Error('connect ECONNREFUSED'));

describe('keys that may exist', () => {
  it('are those that are noted', async () => {
    expect(await knownTo(noted).among(['a', 'b'])).toEqual(new Set(['a']));
  });

  it.each([
    ['the view of keys is filled anew', knownTo(noted, false)],
    ['the database is away', knownTo(away)],
  ])('are all while %s', async (_, known) => {
    expect(await known.among(['a', 'b'])).toEqual(new Set(['a', 'b']));
  });
});
