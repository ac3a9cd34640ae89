import { Injectable } from '@nestjs/common';
import {
  type BankConnection,
  type ConnectionCommand,
  type ConnectionEvent,
  type ConnectionPlace,
  type ConnectionView,
  isBank,
} from '#contracts/connection.js';
import type { AsOf, Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { ownOf } from '#contracts/tenancy.js';
import { commandHandler, eventsMarked } from '#eventstore/command-handler.js';
import { project } from '#eventstore/projection.js';
import { Store } from '#service/store.js';
import { ConnectionFolds } from './connection-folds.js';
import { connection, isAt, isLive } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';

export interface Changed extends Written<ConnectionView> {
  decided: ConnectionEvent[];
  /** It was a wish that had come true before. */
  repeated: boolean;
}

/** What a command has brought about that came before. */
export interface BroughtAbout extends Omit<Changed, 'view'> {
  id: string;
  /** Null when the connection was deleted since. */
  view: ConnectionView | null;
}

/** Commands to connections and the truth about one, from its own stream. */
@Injectable()
export class Connections {
  private readonly handle;

  constructor(
    private readonly store: Store,
    private readonly folds: ConnectionFolds,
  ) {
    this.handle = commandHandler(store.client, 'connection', connection);
  }

  async command(
    id: string,
    command: Exclude<ConnectionCommand, { type: 'ReceiveWebhook' }>,
    context: Context,
    expectNew = command.type === 'RecordLink',
  ): Promise<Changed> {
    let before: ConnectionView | null = null;
    const recall = async () => {
      const fold = await this.folds.read(id);
      before = fold.view;
      return fold;
    };
    const { decided, position, repeated } = await this.handle({ id, command, context, expectNew, recall });
    const view = project(connectionProjection, repeated ? [] : decided, before);
    if (!view) throw new DomainError('NOT_FOUND', 'Connection not found');
    return { view, decided, position, repeated };
  }

  /** What the first of these commands that is on record has brought about; null when none is. */
  async recorded(id: string, commandIds: string[]): Promise<BroughtAbout | null> {
    const { marks, last, view } = await this.folds.read(id);
    for (const commandId of commandIds) {
      const decided = await eventsMarked<ConnectionEvent>(this.store.client, `connection-${id}`, { commandId, marks });
      if (decided.length > 0) return { id, view, decided, position: String(last!.commit), repeated: true };
    }
    return null;
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
    return ownOf(tenant, view, 'Connection');
  }

  /** Whatever it connects to, as it was at that moment. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<ConnectionView> {
    const view = await this.folds.past(id, moment);
    return ownOf(tenant, view, 'Connection');
  }

  /**
   * The version of the credential that lives at this place, 0 while there is none; null when the connection has existed and
   * will never live here (again).
   */
  async versionAt(place: ConnectionPlace, id: string): Promise<number | null> {
    const { state } = await this.folds.read(id);
    if (state.status === 'none') return 0;
    if (!isLive(state) || state.status === 'needs_reauth' || !isAt(place, state)) return null;
    return state.credential_version ?? 0;
  }

  /** From here on it is unknown to everybody; answers with where that stands. */
  async delete(id: string, context: Context): Promise<string> {
    const command = { type: 'Delete', now: new Date().toISOString() } as const;
    const { position } = await this.handle({ id, command, context, recall: () => this.folds.read(id) });
    return position;
  }

  /** Whatever its tenant: for deliveries, which prove themselves by their signature. */
  async find(id: string): Promise<ConnectionView | null> {
    return (await this.folds.read(id)).view;
  }
}
