import type { Client } from 'pg';

export type PlanMode = 'custom' | 'generic';

interface Plan {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

/** Blocks of the database that a statement reads, planned for its values or, as after some uses, for any. */
export async function blocksRead(
  client: Client,
  { text, values }: { text: string; values: unknown[] },
  mode: PlanMode,
): Promise<number> {
  const literals = values.map((one) =>
    Array.isArray(one) ? `'{${one.join(',')}}'` : typeof one === 'number' ? one : client.escapeLiteral(String(one)),
  );
  await client.query(`set plan_cache_mode = force_${mode}_plan`);
  await client.query(`prepare page as ${text}`);
  const explain = `explain (analyze, buffers, format json) execute page(${literals.join(', ')})`;
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(explain);
  await client.query('deallocate page');
  const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
}
