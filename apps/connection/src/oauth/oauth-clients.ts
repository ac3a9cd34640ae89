import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { connectionEnv } from '../connection-env.js';
import type { OAuthClient } from './client.js';
import { clientOf, registeredClients, sandboxClients } from './clients.js';

/** Our applications at the providers of the catalog. */
@Injectable()
export class OAuthClients {
  private readonly clients = { ...sandboxClients(connectionEnv), ...registeredClients(connectionEnv) };

  constructor(private readonly catalog: Catalog) {}

  /** Refuses a server that nobody knows, and one where we are not registered. */
  of(server_id: string): OAuthClient {
    const isOfSandbox = (address: string) => this.catalog.isOfSandbox(address);
    return clientOf(this.catalog.get(server_id), { clients: this.clients, isOfSandbox });
  }
}
