import { describe, expect, it } from '@jest/globals';
import { CHAIN_BEGIN } from '#contracts/audit-chain.js';
import type { Rows } from '#eventstore/view.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import { chained, type Unchained } from './chain.js';

const entry = (position: number, project_id = 'prj_a'): Unchained => ({
  position: String(position),
  id: '11111111-1111-5111-8111-111111111111',
  at: '2026-11-07T05:31:56.000Z',
  written_at: null,
  type: 'UserCreated',
  project_id,
  environment: 'live',
  subject_kind: 'user',
  subject_id: '22222222-2222-5222-8222-222222222222',
  subject_short_id: 'abcdefgh',
  label: null,
  sealed_label: null,
  actor_type: 'api_key',
  actor_id: '33333333-3333-5333-8333-333333333333',
  actor_name: 'agent',
  request_id: 'r-1',
  correlation_id: 'r-1',
  causation_id: 'c-1',
  address: '127.0.0.1',
  key_prefix: null,
  data: { name: 'Zoë', n: 1.5, list: [1, null, { b: 2, a: 1 }] },
});

/** A table in memory that answers the one question the chain asks. */
function table(): Rows & { rows: AuditEntryRow[] } {
  const rows: AuditEntryRow[] = [];
  const query = <T>(_: string, [projects]: unknown[]) =>
    Promise.resolve(
      (projects as string[]).flatMap(
        (project) => rows.findLast(({ project_id }) => project_id === project) ?? [],
      ) as T[],
    );
  return { table: '"t"', query, rows };
}

async function chainOf(entries: Unchained[], size: number): Promise<AuditEntryRow[]> {
  const kept = table();
  for (let at = 0; at < entries.length; at += size) {
    kept.rows.push(...(await chained(entries.slice(at, at + size), kept)));
  }
  return kept.rows;
}

describe('the chain', () => {
  it('is for ever: the first entry of this test has the hash of the day it was written', async () => {
    const [first] = await chainOf([entry(7)], 1);
    expect(first).toMatchObject({ seq: '1', hash: GOLDEN });
    expect(first!.hash).not.toBe(CHAIN_BEGIN);
  });

  it('is the same in batches of any size, one for each project', async () => {
    const entries = Array.from({ length: 20 }, (_, n) => entry(n, n % 3 === 0 ? 'prj_b' : 'prj_a'));
    const whole = await chainOf(entries, 20);
    for (const size of [1, 2, 7]) expect(await chainOf(entries, size)).toEqual(whole);
    const ofB = whole.filter(({ project_id }) => project_id === 'prj_b');
    expect(ofB.map(({ seq }) => seq)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(new Set(whole.map(({ hash }) => hash)).size).toBe(20);
  });
});

const GOLDEN = '44737ddaffcbf304c613089b284e8a634ef5fdafad85920df340bc136879f5b1';
