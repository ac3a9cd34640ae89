import { Injectable } from '@nestjs/common';
import type { Position } from '#contracts/envelope.js';
import type { Projector } from '#eventstore/projector.js';
import { Store } from '#service/store.js';
import { connections } from './connection.view.js';
import { users } from './user.view.js';

/** The service's two views. Both hear of both kinds of stream, so that one position speaks for either. */
@Injectable()
export class ConnectionViews {
  private readonly projectors: Projector[];

  constructor(store: Store) {
    const prefixes = [...users.prefixes, ...connections.prefixes];
    this.projectors = [users, connections].map((view) => store.project({ ...view, prefixes }));
  }

  async reached(position: Position | undefined): Promise<void> {
    await Promise.all(this.projectors.map((projector) => projector.reached(position)));
  }
}
