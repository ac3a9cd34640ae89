import type { Tenant } from '#contracts/envelope.js';
import type { ErasedText, ErasureReceipt, ErasureSubject } from '#contracts/erasure.js';

export function receiptOf(
  { project_id, environment }: Tenant,
  { kind, id }: ErasureSubject,
  erased: ErasedText[],
): ErasureReceipt {
  const counts: ErasureReceipt['erased'] = {};
  const things = new Map(erased.map((one) => [`${one.kind}-${one.id}`, one.kind]));
  for (const of of things.values()) counts[of] = (counts[of] ?? 0) + 1;
  const positions = erased.map(({ position }) => BigInt(position)).sort((a, b) => (a < b ? -1 : 1));
  return { sub: id, subject_kind: kind, project_id, environment, erased: counts, positions: positions.map(String) };
}
