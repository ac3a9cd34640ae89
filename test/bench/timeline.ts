import { createHash } from 'node:crypto';
import { Client } from 'pg';
import type { Tenant } from '#contracts/envelope.js';
import { encodeCursor, listName } from '#service/cursor.js';
import { newCaller, until } from '#testing/api.js';
import { requestText } from './connection.js';
import { type Figures, medianFigures, type Stretch } from './figures.js';
import type { Fixture } from './fixture.js';
import type { Rivals } from './scenarios.js';
import { storeLives } from './session-lives.js';

/** By so much a life moves the positions of the store on. */
const LEAST_BYTES_OF_A_LIFE = 2_000;
const CHUNK = 100_000;
const BEGAN = Date.parse('2026-01-01T00:00:00.000Z');
const APART_MS = 2_000;
/** As much as a page may hold; all others are of 50, as when nothing is said. */
export const LARGEST = 'the newest 200';

/** A project with a timeline so long, and a key to read it with. */
export interface LongTimeline {
  key: string;
  tenant: Tenant;
  /** Where its synthetic entries begin: behind all that there is. */
  first: number;
  entries: number;
  seededMs: number;
}

/**
 * Fills the timeline of a new project. The entries are rows copied from a real one, written to the table itself: a million
 * events through the store would take minutes and change nothing about the reads. They hold no personal text, so opening
 * it is not in the figures, and their hashes make no chain.
 */
export async function longTimeline(fixture: Fixture, entries: number): Promise<LongTimeline> {
  const { run } = fixture;
  const { key, tenant } = await newCaller(run);
  const database = new Client(run.databases['audit']);
  await database.connect();
  const startedAt = performance.now();
  await until(
    () => database.query('select 1 from audit_entries where project_id = $1', [tenant.project_id]),
    ({ rowCount }) => rowCount! > 0,
  );
  const last = await database.query<{ position: string }>('select max(position) as position from audit_entries');
  const first = Number(last.rows[0]!.position) + 1;
  // A page is read only up to where the view stands: it has to be beyond them.
  await storeLives(fixture, Math.ceil(entries / LEAST_BYTES_OF_A_LIFE));
  const indexes = await dropIndexes(database);
  for (let from = 0; from < entries; from += CHUNK) {
    await database.query(SEED, [tenant.project_id, from, Math.min(from + CHUNK, entries) - 1, first]);
  }
  for (const index of indexes) await database.query(index);
  await database.query('vacuum analyze audit_entries');
  await database.end();
  return { key, tenant, first, entries, seededMs: performance.now() - startedAt };
}

/** A column at a time and without the readers' indexes, a million takes half a minute. */
const SEED = `
  insert into audit_entries (position, id, at, type, project_id, environment, subject_kind, subject_id, subject_short_id,
    label, sealed_label, actor_type, actor_id, actor_name, request_id, correlation_id, causation_id, address, key_prefix,
    data, seq, hash)
  select $4::bigint + n, gen_random_uuid(),
    to_char(timestamp '2026-01-01' + n * interval '${APART_MS} milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'Type' || n % 10, e.project_id, e.environment, e.subject_kind, md5((n / 10)::text)::uuid::text, e.subject_short_id,
    e.label, null, e.actor_type, 'actor-' || n % 50, 'Actor ' || n % 50, 'request-' || n, e.correlation_id,
    e.causation_id, e.address, e.key_prefix, e.data, e.seq + 1 + n, md5(n::text) || md5('and ' || n)
  from (select * from audit_entries where project_id = $1 order by position limit 1) e,
    generate_series($2::bigint, $3::bigint) n`;

/** The texts that make them again. */
async function dropIndexes(database: Client): Promise<string[]> {
  const { rows } = await database.query<{ name: string; text: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as text from pg_index
     where indrelid = 'audit_entries'::regclass and not indisunique`,
  );
  for (const { name } of rows) await database.query(`drop index ${name}`);
  return rows.map(({ text }) => text);
}

/** Pages of it, by what was asked for. */
export async function measureTimeline(
  timeline: LongTimeline,
  { load }: Rivals,
  { rounds, durationMs }: { rounds: number; durationMs: number },
): Promise<Record<string, Figures>> {
  const stretch: Stretch = { concurrency: 4, durationMs };
  const rows = Object.entries(asked(timeline)).map(([name, queries]) => {
    const requests = queries.map((query) =>
      requestText('GET', `/api/v1/audit?${query}`, { 'x-api-key': timeline.key }),
    );
    return { name, run: load(requests, 200) };
  });
  // Each once before it counts: what is measured is a server that runs, not one that begins.
  for (const { run } of rows) await run({ ...stretch, durationMs: durationMs / 2 });
  const all = new Map<string, Figures[]>(rows.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of rows) all.get(name)!.push(await run(stretch));
  }
  return Object.fromEntries([...all].map(([name, figures]) => [name, medianFigures(figures)]));
}

/** When the synthetic entry of this number happened. */
export const timeOf = (n: number): string => new Date(BEGAN + n * APART_MS).toISOString();

/** As the database writes md5 as a UUID. */
function subjectOf(n: number): string {
  const hash = createHash('md5')
    .update(String(Math.floor(n / 10)))
    .digest('hex');
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Different each time where that is possible, so that no answer is a repeated one. */
function asked({ first, entries, tenant }: LongTimeline): Record<string, string[]> {
  const some = Array.from({ length: 500 }, (_, n) => Math.floor((n * entries) / 500));
  const list = listName('audit_entries', { ...tenant, order: 'desc' });
  const cursor = (n: number) => `cursor=${encodeCursor(list, String(first + n))}`;
  const middle = timeOf(Math.floor(entries / 2));
  return {
    'the newest 50': ['limit=50'],
    [LARGEST]: ['limit=200'],
    'anywhere, by cursor': some.map((n) => `limit=50&${cursor(n + 100)}`),
    'of one actor': some.map((n) => `actor=actor-${n % 50}`),
    'of one actor, by name': some.map((n) => `actor=Actor%20${n % 50}`),
    'of one type': some.map((n) => `type=Type${n % 10}`),
    'of a type that is not there': ['type=KeyRotated'],
    'of one request': some.map((n) => `request_id=request-${n}`),
    'of one subject': some.map((n) => `subject=${subjectOf(n)}`),
    'before a time': [`to=${middle}`],
    'since a time, oldest first': [`from=${middle}&order=asc`],
  };
}
