import type { Tenant } from '#contracts/envelope.js';
import type { Erased, ErasureReceipt, ErasureSubject } from '#contracts/erasure.js';

export function receiptOf(
  { project_id, environment }: Tenant,
  { kind, id }: ErasureSubject,
  parts: Erased[],
): ErasureReceipt {
  // No kind of thing is at two services.
  const erased = parts.reduce<Erased['counts']>((sum, { counts }) => ({ ...sum, ...counts }), {});
  const positions = parts.flatMap((part) => part.positions.map(BigInt)).sort((a, b) => (a < b ? -1 : 1));
  return { sub: id, subject_kind: kind, project_id, environment, erased, positions: positions.map(String) };
}
