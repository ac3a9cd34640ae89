import { Injectable } from '@nestjs/common';
import type { ConnectionEvent, ConnectionView } from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import type { Recalled } from '#eventstore/command-handler.js';
import { isErased } from '#eventstore/erasable.js';
import { project } from '#eventstore/projection.js';
import { nothingRead, readStream, type StreamRead } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { connection, type ConnectionState } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';
import { Remembered } from './remembered.js';

/** Commands that come again are known again among so many events, at least. */
const PAGE = 2_000;
/** As long as the read of a page may take. */
const READ_MS = 3_000;
const MOST_LONG = 50;

/** What a connection's stream comes to up to some revision. */
export interface ConnectionFold extends Recalled<ConnectionState, ConnectionEvent> {
  view: ConnectionView | null;
}

/**
 * What the streams of connections come to. Every delivery and every opening of a credential is an event, so some grow very
 * long: what the full pages of one came to is remembered, so that it is read once, and a reader whose time has run out goes
 * on from there when it is asked again.
 */
@Injectable()
export class ConnectionFolds {
  private readonly long = new Remembered<ConnectionFold>(MOST_LONG);

  constructor(private readonly store: Store) {}

  /** As it is now. */
  async read(id: string): Promise<ConnectionFold> {
    const until = Date.now() + READ_MS;
    const keep = this.long.keeper();
    let fold = this.long.get(id) ?? nothing;
    for (;;) {
      const { revision: before } = fold;
      const after = typeof before === 'bigint' ? before : undefined;
      const page = await readStream<ConnectionEvent>(this.store.client, `connection-${id}`, after, PAGE);
      fold = folded(fold, page);
      if (typeof page.revision !== 'bigint' || page.revision - (after ?? -1n) < BigInt(PAGE)) return fold;
      keep(id, fold);
      if (Date.now() >= until) throw new DomainError('UNAVAILABLE', 'The connection has a long past; try again.');
    }
  }

  /** Its texts have been erased. */
  forget(id: string): void {
    this.long.erase((name) => name === id);
  }
}

const nothing: ConnectionFold = { ...nothingRead, state: connection.initial, view: null, events: [], roots: [] };

function folded(before: ConnectionFold, { events: recorded, revision }: StreamRead<ConnectionEvent>): ConnectionFold {
  const events = recorded.map(({ event }) => event);
  const isRoot = (event: ConnectionEvent, at: number) => isErased(event) || (before.roots.length === 0 && at === 0);
  return {
    revision,
    state: events.reduce((state, event) => connection.evolve(state, event), before.state),
    view: project(connectionProjection, events, before.view),
    events: [...before.events, ...recorded].slice(-PAGE),
    roots: [...before.roots, ...events.filter(isRoot)],
  };
}
