import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { AuditNarrowing } from '#contracts/audit.js';
import type { Store } from '#service/store.js';
import { type Stack, startStack } from '#testing/stack.js';
import { AuditEntryRow } from '../apps/audit/src/audit-entry.entity.js';
import { entriesStatement, type Wanted } from '../apps/audit/src/entries-statement.js';
import { migrations } from '../apps/audit/src/migrations/index.js';
import type { OpenTexts } from '../apps/audit/src/open-texts.js';
import { Timeline } from '../apps/audit/src/timeline.js';
import { blocksRead, type PlanMode } from './blocks-read.js';

const quiet = { project_id: 'prj_quiet', environment: 'live' as const };
const busy = { project_id: 'prj_busy', environment: 'live' as const };
const [OLD, ALL] = [8_000, 40_000];
const LIMIT = 20;
/**
 * Rows of a page and a way down each index are some 60 blocks; where the database thinks that only a few entries can be meant,
 * it reads them all and sorts. All entries that came later stand in 1,500.
 */
const MOST_BLOCKS = 250;

/** First, two projects by turns, with actors, types and subjects of every kind; then one project, one actor, one type. */
const rows = `insert into audit_entries (position, id, at, written_at, type, project_id, environment, subject_kind, subject_id,
    actor_type, actor_id, actor_name, request_id, correlation_id, causation_id, data, seq, hash)
  select n, gen_random_uuid(), to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    null, case when n <= ${OLD} then 'Old' || n % 4 else 'New' end,
    case when n <= ${OLD} and n % 2 = 0 then 'prj_quiet' else 'prj_busy' end, 'live', 'user',
    case when n <= ${OLD} then 'old ' || n % 20 else 'new' end, 'api_key',
    case when n <= ${OLD} then 'actor ' || n % 6 else 'actor' end, case when n <= ${OLD} then 'Actor ' || n % 6 else 'Actor' end,
    'request ' || n / 50, '', '', '{}', n, ''
  from generate_series(1, ${ALL}) n`;

let stack: Stack;
let database: DataSource;
let client: Client;
let timeline: Timeline;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  const url = stack.run().databases['audit']!;
  const options = { type: 'postgres' as const, url, entities: [AuditEntryRow], migrations, migrationsRun: true };
  database = await new DataSource(options).initialize();
  await database.query(rows);
  await database.query('vacuum analyze audit_entries');
  timeline = new Timeline({ dataSource: database, project: () => undefined } as unknown as Store, {} as OpenTexts);
  client = new Client({ connectionString: url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.destroy();
  await stack?.stop();
});

const blocksOf = (wanted: Wanted, mode: PlanMode) => blocksRead(client, entriesStatement(wanted), mode);

const timeOf = (n: number) => new Date(Date.parse('2026-01-01T00:00:00.000Z') + n * 60_000).toISOString();

const filtersOf = (subject: string): AuditNarrowing[] => [
  {},
  { type: 'Old2' },
  { type: 'Nothing' },
  { actor: 'actor 2' },
  { actor: 'Actor 4' },
  { actor: 'nobody' },
  { subject },
  { subject, actor: 'Actor 2' },
  { request_id: 'request 7' },
  { from: timeOf(4_000) },
  { to: timeOf(4_000) },
  { from: timeOf(3_000), to: timeOf(3_600) },
];

describe.each([
  ['a project of which nothing was heard for long', quiet, 'old 2'],
  ['a busy project whose past is looked for', busy, 'old 3'],
])('the timeline of %s', (_, tenant, subject) => {
  describe.each(filtersOf(subject))('by %j', (filter) => {
    it.each(['custom', 'generic'] as const)('costs a page, with a %s plan', async (mode) => {
      for (const order of ['asc', 'desc'] as const) {
        const page = { tenant, filter, order, limit: LIMIT + 1 };
        const [, , place] = await timeline.entries(page);
        const further = order === 'asc' ? { after: place?.position } : { before: place?.position };
        for (const one of [page, { ...page, ...further }]) {
          expect(await blocksOf(one, mode)).toBeLessThanOrEqual(MOST_BLOCKS);
        }
      }
    });

    it('is all of it, in order, each entry on one page', async () => {
      const { type, actor, subject, request_id, from, to } = filter;
      const expected = await database.query<{ position: string }[]>(
        `select position from audit_entries where project_id = $1 and ($2::text is null or type = $2)
         and ($3::text is null or actor_id = $3 or actor_name = $3) and ($4::text is null or subject_id = $4)
         and ($5::text is null or request_id = $5) and ($6::text is null or at >= $6) and ($7::text is null or at < $7)
         order by position desc limit 500`,
        [tenant.project_id, type, actor, subject, request_id, from, to],
      );
      const found: AuditEntryRow[] = [];
      for (;;) {
        const before = found.at(-1)?.position;
        const page = await timeline.entries({ tenant, filter, before, order: 'desc', limit: 100 });
        found.push(...page);
        if (page.length < 100 || found.length >= 500) break;
      }
      expect(found.map(({ position }) => position)).toEqual(expected.map(({ position }) => position));
    });
  });
});
