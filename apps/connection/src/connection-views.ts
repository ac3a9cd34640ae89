import { Injectable } from '@nestjs/common';
import type { Position } from '#contracts/envelope.js';
import type { Batch } from '#eventstore/follow.js';
import type { Projector } from '#eventstore/projector.js';
import { streamIdOf } from '#eventstore/recorded.js';
import { Store } from '#service/store.js';
import { agentSessions } from './agent-session.view.js';
import { connections } from './connection.view.js';
import { KnownConnections } from './known-connections.js';
import { users } from './user.view.js';

/** The service's views. All hear of every kind of stream a caller's write may be in, so that one position speaks for each. */
@Injectable()
export class ConnectionViews {
  private readonly projectors: Projector[];

  constructor(store: Store, known: KnownConnections) {
    const prefixes = [
      'vault-',
      'connect_link-',
      ...[users, connections, agentSessions].flatMap((view) => view.prefixes),
    ];
    const views = [users, connections, agentSessions].map((view) => ({ ...view, prefixes }));
    this.projectors = store.projectTogether(views, (batch) => forgetErased(batch, known));
  }

  async reached(position: Position | undefined): Promise<void> {
    await Promise.all(this.projectors.map((projector) => projector.reached(position)));
  }
}

/** What is erased is not kept in memory either, on whichever replica it was erased. */
function forgetErased({ events }: Batch, known: KnownConnections): void {
  for (const { event, stream } of events) if (event.type === 'PersonalTextErased') known.forgetText(streamIdOf(stream));
}
