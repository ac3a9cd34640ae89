import { Injectable } from '@nestjs/common';
import { type ConnectionView, isBank } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { type Changed, Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { LeaveProvider } from './leave-provider.js';
import { WebhookDeliveries } from './webhook-deliveries.js';

/** The bank may have used up all the time that the caller gives: what is gone there must be over here, too. */
const END_MS = 4_000;

/**
 * Ends a connection: a bank's first at the provider (removing again is harmless), then in the vault and in its stream as
 * one. Died in between, the first step left a live connection whose removal can be repeated; the second, a credential
 * that no longer opens and that the next sweep destroys.
 */
@Injectable()
export class RemoveConnection {
  constructor(
    private readonly connections: Connections,
    private readonly provider: LeaveProvider,
    private readonly storage: CredentialStorage,
    private readonly deliveries: WebhookDeliveries,
  ) {}

  async run(context: Context, connection: ConnectionView): Promise<Changed> {
    const ending = await this.leave(context, connection);
    const command = { type: 'Disconnect', reason: 'requested', now: new Date().toISOString() } as const;
    return this.storage.destroyWith(connection.id, ending.deadline, () =>
      this.connections.command(connection.id, command, ending),
    );
  }

  /** Ends it and forgets it; answers with where that stands. */
  async delete(context: Context, connection: ConnectionView): Promise<string> {
    const ending = await this.leave(context, connection);
    const position = await this.storage.destroyWith(connection.id, ending.deadline, () =>
      this.connections.delete(connection.id, ending),
    );
    // What is left when this fails is swept away; nobody can ask for it any more.
    await this.deliveries.forget(connection.id).catch(() => undefined);
    return position;
  }

  /** Answers with the context of what is left to do. */
  private async leave(context: Context, connection: ConnectionView): Promise<Context> {
    await this.provider.leave(context, connection);
    return isBank(connection) ? { ...context, deadline: Date.now() + END_MS } : context;
  }
}
