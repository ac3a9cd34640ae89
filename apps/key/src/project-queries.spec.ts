import { expect, it } from '@jest/globals';
import type { Page } from '#contracts/envelope.js';
import type { ProjectView } from '#contracts/project.js';
import type { Ask } from '#contracts/subjects.js';
import type { Store } from '#service/store.js';
import { ProjectQueries } from './project-queries.js';

/** The longest list that a body of 64 KiB brings. */
const redirect_origins = Array.from({ length: 50 }, (_, n) => `https://${'x'.repeat(1_200)}${n}.example`);
const all = Array.from({ length: 201 }, (_, n) => ({
  id: `prj_${String(n).padStart(16, '0')}`,
  created_at: '2026-01-01T12:00:00.000Z',
  redirect_origins,
})) as ProjectView[];

/** Those behind the place of the cursor. */
function createQueryBuilder() {
  let [from, most] = [0, 0];
  const query = {
    where: () => query,
    orderBy: () => query,
    addOrderBy: () => query,
    limit: (count: number) => ((most = count), query),
    andWhere: (_: string, { project }: { project: string }) => ((from = Number(project.slice(4)) + 1), query),
    getMany: () => Promise.resolve(all.slice(from, from + most)),
  };
  return query;
}

const store = {
  project: () => ({ reached: () => Promise.resolve() }),
  dataSource: { getRepository: () => ({ createQueryBuilder }) },
} as unknown as Store;

it('a page of projects goes over the bus with all the origins that they may have, and the next one follows on it', async () => {
  const queries = new ProjectQueries(store);
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const ask = { limit: 200, ...(cursor !== null && { cursor }) } as Ask<'key.project.list'>;
    const page: Page<ProjectView> = await queries.list(ask);
    expect(JSON.stringify(page).length).toBeLessThan(2 * 1024 * 1024);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(ids).toEqual(all.map(({ id }) => id));
});
