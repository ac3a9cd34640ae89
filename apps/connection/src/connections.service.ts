import { Injectable } from '@nestjs/common';
import {
  type BankConnection,
  type ConnectionCommand,
  type ConnectionEvent,
  type ConnectionView,
  isBank,
} from '#contracts/connection.js';
import type { AsOf, Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { readStreamAsOf } from '#eventstore/as-of.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { fold } from '#eventstore/decider.js';
import { project } from '#eventstore/projection.js';
import { readStream } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { connection } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';

export interface Changed extends Written<ConnectionView> {
  decided: ConnectionEvent[];
  /** It was a wish that had come true before. */
  repeated: boolean;
}

/** Commands to connections and the truth about one, from its own stream. */
@Injectable()
export class Connections {
  private readonly handle;

  constructor(private readonly store: Store) {
    this.handle = commandHandler(store.client, 'connection', connection);
  }

  async command(
    id: string,
    command: ConnectionCommand,
    context: Context,
    expectNew = command.type === 'RecordLink',
  ): Promise<Changed> {
    const { events, decided, position, repeated } = await this.handle({ id, command, context, expectNew });
    const view = project(connectionProjection, events);
    if (!view) throw new DomainError('NOT_FOUND', 'Connection not found');
    return { view, decided, position, repeated };
  }

  /** A bank of the household; another tenant's connection does not exist. */
  async read(tenant: Tenant, id: string): Promise<BankConnection> {
    const view = await this.readAny(tenant, id);
    if (isBank(view)) return view;
    throw new DomainError('NOT_FOUND', 'Connection not found');
  }

  /** Whatever it connects to. */
  async readAny(tenant: Tenant, id: string): Promise<ConnectionView> {
    const view = await this.find(id);
    if (view?.project_id === tenant.project_id && view.environment === tenant.environment) return view;
    throw new DomainError('NOT_FOUND', 'Connection not found');
  }

  /** Whatever it connects to, as it was at that moment. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<ConnectionView> {
    const { events } = await readStreamAsOf<ConnectionEvent>(this.store.client, `connection-${id}`, moment);
    const view = project(connectionProjection, events);
    if (view?.project_id === tenant.project_id && view.environment === tenant.environment) return view;
    throw new DomainError('NOT_FOUND', 'Connection not found');
  }

  /** Has it existed, and will it never live again? */
  async hasEnded(id: string): Promise<boolean> {
    const { events } = await readStream<ConnectionEvent>(this.store.client, `connection-${id}`);
    const { status } = fold(
      connection,
      events.map((recorded) => recorded.event),
    );
    return status === 'revoked' || status === 'deleted' || status === 'needs_reauth';
  }

  /** From here on it is unknown to everybody; answers with where that stands. */
  async delete(id: string, context: Context): Promise<string> {
    const command = { type: 'Delete', now: new Date().toISOString() } as const;
    const { position } = await this.handle({ id, command, context });
    return position;
  }

  /** Whatever its tenant: for deliveries, which prove themselves by their signature. */
  async find(id: string): Promise<ConnectionView | null> {
    const { events } = await readStream<ConnectionEvent>(this.store.client, `connection-${id}`);
    return project(
      connectionProjection,
      events.map((recorded) => recorded.event),
    );
  }
}
