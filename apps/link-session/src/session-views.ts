import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { Projector } from '#eventstore/projector.js';
import { streamIdOf } from '#eventstore/recorded.js';
import { Store } from '#service/store.js';
import { KnownUsers } from './known-users.js';
import { linkSessions } from './link-session.view.js';
import { LinksOfDeletedUsers } from './links-of-deleted-users.js';

/** The service's one view. Its subscription also hears of deleted users: no session may be minted for them, nor stay open. */
@Injectable()
export class SessionViews implements BeforeApplicationShutdown {
  readonly sessions: Projector;
  private readonly waiting = new Map<string, Set<() => void>>();
  private isStopping = false;

  constructor(@Inject(Store) store: Store, users: KnownUsers, links: LinksOfDeletedUsers) {
    const view = { ...linkSessions, prefixes: [...linkSessions.prefixes, 'user-'] };
    this.sessions = store.project(view, ({ events }) => {
      for (const recorded of events) {
        const id = streamIdOf(recorded.stream);
        if (recorded.event.type === 'UserDeleted') {
          users.forget(id);
          void links.end(recorded);
        } else this.wake(id);
      }
    });
  }

  /** Resolves when something has happened to the session, or after `ms`. */
  async changed(id: string, ms: number): Promise<void> {
    const waiters = this.waiting.get(id) ?? new Set();
    this.waiting.set(id, waiters);
    let done!: () => void;
    const happened = new Promise<void>((resolve) => (done = resolve));
    waiters.add(done);
    const timer = setTimeout(done, this.isStopping ? 0 : ms);
    await happened;
    clearTimeout(timer);
    waiters.delete(done);
    if (waiters.size === 0) this.waiting.delete(id);
  }

  /** Whoever waits has the answer now: a stop waits for them, and another replica can tell. */
  beforeApplicationShutdown(): void {
    this.isStopping = true;
    for (const id of this.waiting.keys()) this.wake(id);
  }

  private wake(id: string): void {
    for (const done of this.waiting.get(id) ?? []) done();
  }
}
