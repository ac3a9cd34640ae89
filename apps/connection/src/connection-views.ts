import { Injectable } from '@nestjs/common';
import type { Position } from '#contracts/envelope.js';
import type { Projector } from '#eventstore/projector.js';
import { Store } from '#service/store.js';
import { agentSessions } from './agent-session.view.js';
import { connections } from './connection.view.js';
import { users } from './user.view.js';

/** The service's views. All hear of every kind of stream a caller's write may be in, so that one position speaks for each. */
@Injectable()
export class ConnectionViews {
  private readonly projectors: Projector[];

  constructor(store: Store) {
    const prefixes = ['vault-', ...[users, connections, agentSessions].flatMap((view) => view.prefixes)];
    this.projectors = store.projectTogether([users, connections, agentSessions].map((view) => ({ ...view, prefixes })));
  }

  async reached(position: Position | undefined): Promise<void> {
    await Promise.all(this.projectors.map((projector) => projector.reached(position)));
  }
}
