import { Injectable } from '@nestjs/common';
import type { ConnectionEvent, ConnectionView } from '#contracts/connection.js';
import type { AsOf } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { isBeyond, isUpTo, timeOf } from '#eventstore/as-of.js';
import type { Mark, Recalled } from '#eventstore/command-handler.js';
import { type Erasable, erasable, isErased } from '#eventstore/erasable.js';
import { project } from '#eventstore/projection.js';
import { nothingRead, PAGE, readStream, type StreamRead } from '#eventstore/read-stream.js';
import type { Placed } from '#eventstore/recorded.js';
import { Store } from '#service/store.js';
import { connection, type ConnectionState } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';
import { Remembered } from './remembered.js';

/** Commands that come again are known again among so many events. */
const MOST_MARKS = 2_000;
/** As long as the read of a page may take. */
const READ_MS = 3_000;
/** Of all folds together: those of some 250 long streams, of 1,000 with as much metadata as there may be, or of 20,000 others. */
const MOST_BYTES = 64 * 1024 * 1024;
const BYTES_OF_A_MARK = 130;
const BYTES_OF_A_FOLD = 1_000;
const MOST_PASTS = 200;

type Revision = StreamRead<ConnectionEvent>['revision'];

/** What a connection's stream comes to up to some revision. */
export interface ConnectionFold extends Recalled<ConnectionState> {
  view: ConnectionView | null;
  /** The state, and whether there is text to erase. */
  erasable: Erasable<ConnectionState>;
}

/** What it comes to up to some moment, as far as it was read. */
interface PastFold {
  revision: Revision;
  /** After the last event of that moment. */
  view: ConnectionView | null;
  /** After all that was read. */
  ahead: ConnectionView | null;
}

type Page = StreamRead<ConnectionEvent>;

/**
 * What the streams of connections come to. Every delivery and every opening of a credential is an event, so some grow very
 * long, and every change of metadata holds all of it, so some grow very heavy: what one came to is remembered, so that each
 * event is read once, and a reader whose time has run out goes on from there when it is asked again.
 */
@Injectable()
export class ConnectionFolds {
  private readonly folds = new Remembered<ConnectionFold>(MOST_BYTES, bytesOf);
  private readonly pasts = new Remembered<PastFold>(MOST_PASTS);

  constructor(private readonly store: Store) {}

  /** As it is now. */
  read(id: string): Promise<ConnectionFold> {
    return this.toTheEnd(id, {
      remembered: this.folds,
      name: id,
      from: this.folds.get(id) ?? nothing,
      next: folded,
      keepsEnd: true,
    });
  }

  /** As it is now, to whoever erases its texts. */
  async readErasable(id: string): Promise<Recalled<Erasable<ConnectionState>>> {
    const fold = await this.read(id);
    return { ...fold, state: fold.erasable };
  }

  /** As it was at that moment; null when it was not there. Refuses a position at which nothing stands. */
  async past(id: string, moment: AsOf): Promise<ConnectionView | null> {
    // What was read before an erasure is not gone on with, also where we have not heard of it yet.
    const erasures = await this.store.subjectKeys.erasures(`connection-${id}`);
    const name = `${id} ${erasures} ${JSON.stringify(moment)}`;
    const from = this.pasts.get(name) ?? this.before(id, moment, erasures);
    const next = foldedUpTo(moment);
    const isOver = ({ events }: Page) => events.length > 0 && isBeyond(moment)(events.at(-1)!);
    const reading = this.toTheEnd(id, { remembered: this.pasts, name, from, next, isOver });
    const [{ view }] = await Promise.all([reading, timeOf(this.store.client, moment)]);
    return view;
  }

  /** Its texts have been erased. */
  forget(id: string): void {
    this.folds.erase((name) => name === id);
    this.pasts.erase((name) => name.startsWith(id));
  }

  /** What is known of it as it is now will do for a later moment. */
  private before(id: string, moment: AsOf, erasures: number): PastFold {
    const { last, revision, view, erasable } = this.folds.get(id) ?? nothing;
    const isThere = last !== null && isUpTo(moment)(last) && erasable.erasures >= erasures;
    return isThere ? { revision, view, ahead: view } : nothingThen;
  }

  private toTheEnd<F extends { revision: Revision }>(id: string, way: Way<F>): Promise<F> {
    return way.remembered.reading(way.name, (keep) => this.pages(id, way, keep));
  }

  private async pages<F extends { revision: Revision }>(id: string, way: Way<F>, keep: (fold: F) => void): Promise<F> {
    const until = Date.now() + READ_MS;
    let fold = way.from;
    for (;;) {
      const after = typeof fold.revision === 'bigint' ? fold.revision : undefined;
      const page = await readStream<ConnectionEvent>(this.store.client, `connection-${id}`, after, PAGE);
      if (page.revision !== fold.revision) fold = way.next(fold, page);
      const isEnd = isLast(page, after) || way.isOver?.(page) === true;
      if (!isEnd || (way.keepsEnd && fold.revision !== nothingRead.revision)) keep(fold);
      if (isEnd) return fold;
      if (Date.now() >= until) throw new DomainError('UNAVAILABLE', 'The connection has a long past; try again.');
    }
  }
}

/** How a stream is read, page by page, into something that is remembered under a name. */
interface Way<F> {
  remembered: Remembered<F>;
  name: string;
  from: F;
  next: (before: F, page: Page) => F;
  isOver?: (page: Page) => boolean;
  /** Is it remembered also once it was read to the end? */
  keepsEnd?: boolean;
}

const isLast = ({ revision }: Page, after = -1n): boolean =>
  typeof revision !== 'bigint' || revision - after < BigInt(PAGE);

const whole = erasable(connection);

const nothing: ConnectionFold = {
  revision: nothingRead.revision,
  ...{ state: connection.initial, erasable: whole.initial, view: null, last: null, marks: [], roots: [] },
};

const nothingThen: PastFold = { revision: nothingRead.revision, view: null, ahead: null };

function folded(before: ConnectionFold, { events: recorded, revision }: Page): ConnectionFold {
  const events = recorded.map(({ event }) => event);
  const isRoot = ({ event }: Page['events'][number], at: number) =>
    isErased(event) || (before.roots.length === 0 && at === 0);
  const after = events.reduce((state, event) => whole.evolve(state, event), before.erasable);
  return {
    revision,
    state: after.inner,
    erasable: after,
    view: project(connectionProjection, events, before.view),
    last: recorded.slice(-1).map(placed)[0] ?? before.last,
    marks: [...before.marks, ...recorded.map(markOf)].slice(-MOST_MARKS),
    roots: [...before.roots, ...recorded.filter(isRoot).map(placed)],
  };
}

/** Without the texts and whatever else is heavy: only when it was, whose the connection is, and which key was destroyed. */
function placed({ event, created, commit }: Placed): Placed {
  const { type, at, project_id, environment, user_id, key_number } = event as Record<string, unknown> & {
    type: string;
  };
  const kept = { type, at, project_id, environment, user_id, key_number };
  return { event: kept, created, commit };
}

/** The metadata is in the view and in the state, but once in memory: there, text may take two bytes a character. */
const bytesOf = ({ view, state, marks, roots }: ConnectionFold): number =>
  BYTES_OF_A_FOLD * (1 + roots.length) + JSON.stringify([view, state]).length + BYTES_OF_A_MARK * marks.length;

const markOf = ({ id, revision }: Page['events'][number]): Mark => ({ id, revision });

function foldedUpTo(moment: AsOf): (before: PastFold, page: Page) => PastFold {
  const isThere = isUpTo(moment);
  return ({ view, ahead }, { events, revision }) => {
    for (const recorded of events) {
      ahead = project(connectionProjection, [recorded.event], ahead);
      if (isThere(recorded)) view = ahead;
    }
    return { revision, view, ahead };
  };
}
