import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { KeyUse, KeyView, UsedKey } from '#contracts/key.js';

const IN_A_MINUTE = `to_char((now() + interval '1 minute') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** When each key was last used, as the gateways tell it in batches. Losing a batch loses nothing but freshness. */
@Injectable()
export class KeyUses {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Batches of several gateways come in any order; the latest use counts, unless it was told by a clock that ran ahead. Each key is named once in a batch. All take their
   * rows in one order, so that no two wait for each other.
   */
  async record(uses: KeyUse[]): Promise<void> {
    await this.dataSource.query(
      `insert into key_uses as known (key_id, last_used_at) select * from unnest($1::uuid[], $2::text[]) order by 1
       on conflict (key_id) do update set last_used_at = excluded.last_used_at
       where known.last_used_at < excluded.last_used_at or known.last_used_at > ${IN_A_MINUTE}`,
      [uses.map(({ key_id }) => key_id), uses.map(({ at }) => at)],
    );
  }

  /** Only the newest use is kept: of one that came later, nothing is known of the uses before it. */
  async besideThen(key: KeyView, time: string): Promise<UsedKey> {
    const [used] = await this.beside([key]);
    const last = used!.last_used_at;
    return { ...key, last_used_at: last !== null && last <= time ? last : null };
  }

  async beside(keys: KeyView[]): Promise<UsedKey[]> {
    const rows = await this.dataSource.query<{ key_id: string; last_used_at: string }[]>(
      'select key_id, last_used_at from key_uses where key_id = any($1)',
      [keys.map(({ id }) => id)],
    );
    const known = new Map(rows.map((row) => [row.key_id, row.last_used_at]));
    return keys.map((key) => ({ ...key, last_used_at: known.get(key.id) ?? null }));
  }
}
