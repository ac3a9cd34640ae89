import { Inject, Injectable } from '@nestjs/common';
import type { Projector } from '#eventstore/projector.js';
import { streamIdOf } from '#eventstore/recorded.js';
import { Store } from '#service/store.js';
import { KnownUsers } from './known-users.js';
import { linkSessions } from './link-session.view.js';

/** The service's one view. Its subscription also hears of deleted users, which no session may be minted for. */
@Injectable()
export class SessionViews {
  readonly sessions: Projector;

  constructor(@Inject(Store) store: Store, users: KnownUsers) {
    const view = { ...linkSessions, prefixes: [...linkSessions.prefixes, 'user-'] };
    this.sessions = store.project(view, ({ events }) => {
      for (const { stream, event } of events) if (event.type === 'UserDeleted') users.forget(streamIdOf(stream));
    });
  }
}
