import { CHAIN_BEGIN, chainHash } from '#contracts/audit-chain.js';
import type { Rows } from '#eventstore/view.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import { storedForm } from './stored-form.js';

export type Unchained = Omit<AuditEntryRow, 'seq' | 'hash'>;

/** Where the chain of a project and environment stands. */
type End = Pick<AuditEntryRow, 'project_id' | 'environment' | 'seq' | 'hash'>;

/**
 * Gives each entry its place in the chain of its project and environment. It follows from the rows before and the order
 * of the entries alone, so batches of any size, another replica and a replay come to the same chain.
 */
export async function chained(entries: Unchained[], rows: Rows): Promise<AuditEntryRow[]> {
  const ends = await endsOf(entries, rows);
  return entries.map((entry) => {
    const end = ends.get(keyOf(entry)) ?? { seq: 0, hash: CHAIN_BEGIN };
    end.seq++;
    end.hash = chainHash(end.hash, storedForm(entry));
    ends.set(keyOf(entry), end);
    // The entry comes last, as in entryOf.
    return { seq: String(end.seq), hash: end.hash, ...entry };
  });
}

const keyOf = ({ project_id, environment }: Pick<Unchained, 'project_id' | 'environment'>) =>
  `${project_id} ${environment}`;

async function endsOf(
  entries: Unchained[],
  { table, query }: Rows,
): Promise<Map<string, { seq: number; hash: string }>> {
  const tenants = [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
  if (tenants.length === 0) return new Map();
  const found = await query<End>(
    `select t.project_id, t.environment, e.seq, e.hash
     from unnest($1::text[], $2::text[]) as t (project_id, environment)
     cross join lateral (
       select seq, hash from ${table} where project_id = t.project_id and environment = t.environment
       order by project_id, environment, position desc limit 1) e`,
    [tenants.map(({ project_id }) => project_id), tenants.map(({ environment }) => environment)],
  );
  return new Map(found.map((end) => [keyOf(end), { seq: Number(end.seq), hash: end.hash }]));
}
