import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { type Slot, Vault } from '../vault/vault.service.js';
import { fromSecret, toSecret } from './stored-tokens.js';
import type { Tokens } from './tokens.js';
import { untilWritten } from './until-written.js';

/** With the last try and what follows it is within what the lease has to spare. */
const TRIES_MS = 3_000;

/** Who refreshes which tokens, and what a refresh has given before the connection says so. */
@Injectable()
export class TokenTable {
  constructor(
    private readonly dataSource: DataSource,
    private readonly vault: Vault,
  ) {}

  /** True when the lease is free, lapsed, the holder's own, or of a clock that has been put back far: none ends so late. */
  async takeLease(connectionId: string, holder: string, milliseconds: number): Promise<boolean> {
    const rows = await this.dataSource.query<unknown[]>(
      `insert into token_leases (connection_id, holder, until) values ($1, $2, now() + $3 * interval '1 millisecond')
       on conflict (connection_id) do update set holder = excluded.holder, until = excluded.until
       where token_leases.holder = excluded.holder or token_leases.until < now()
         or token_leases.until > now() + 2 * $3 * interval '1 millisecond' returning holder`,
      [connectionId, holder, milliseconds],
    );
    return rows.length > 0;
  }

  async dropLease(connectionId: string, holder: string): Promise<void> {
    await this.dataSource.query('delete from token_leases where connection_id = $1 and holder = $2', [
      connectionId,
      holder,
    ]);
  }

  /** The old refresh token is worth nothing from now on: these exist nowhere else. */
  async keepRefreshed(view: ConnectionView, tokens: Tokens): Promise<void> {
    const put = () => this.vault.put(this.dataSource.manager, refreshedSlot(view), toSecret(tokens));
    await untilWritten(put, TRIES_MS);
  }

  /** What a refresh of this very version has given, whose worker got no further. */
  async refreshed(view: ConnectionView): Promise<Tokens | null> {
    const secret = await this.vault.read(refreshedSlot(view));
    return secret === null ? null : fromSecret(secret);
  }

  async forgetRefreshed(connectionId: string, version: string): Promise<void> {
    const field = `refreshed ${Number(version)}` as const;
    await this.vault.destroy(this.dataSource.manager, { connection_id: connectionId, field });
  }
}

const refreshedSlot = ({ id, project_id, environment, credential_version }: ConnectionView): Slot => ({
  ...{ connection_id: id, project_id, environment },
  field: `refreshed ${credential_version ?? 0}`,
});
