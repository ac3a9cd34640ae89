import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Vault } from './vault/vault.service.js';

/** Where credentials of ended connections are destroyed. */
@Injectable()
export class CredentialStorage {
  constructor(
    private readonly vault: Vault,
    private readonly dataSource: DataSource,
  ) {}

  destroy(connectionId: string): Promise<void> {
    return this.vault.destroy(this.dataSource.manager, { connection_id: connectionId, field: 'access_token' });
  }

  /** Credentials whose connection is over but whose destruction did not happen: a worker died in between. */
  async leftOver(): Promise<string[]> {
    const rows = await this.dataSource.query<{ id: string }[]>(
      `select c.id from vault_entries v join connections c on c.id = v.connection_id
       where c.state = 'revoked' and v.field = 'access_token' limit 100`,
    );
    return rows.map((row) => row.id);
  }
}
