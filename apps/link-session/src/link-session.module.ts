import { Module } from '@nestjs/common';
import { SubjectKeyRow } from '#eventstore/subject-keys.js';
import { StoreModule } from '#service/store.module.js';
import { AttemptController } from './attempt.controller.js';
import { ExpireSessions } from './expire-sessions.js';
import { KnownUsers } from './known-users.js';
import { LinkSessionRow } from './link-session.view.js';
import { LinkSessions1700000000001 } from './migrations/0001-link-sessions.js';
import { SubjectKeys1700000000002 } from './migrations/0002-subject-keys.js';
import { SessionLists1700000000003 } from './migrations/0003-session-lists.js';
import { LinksOfDeletedUsers } from './links-of-deleted-users.js';
import { MintController } from './mint.controller.js';
import { PageController } from './page.controller.js';
import { WatchSession } from './session-changes.js';
import { PersonalTextController } from './personal-text.controller.js';
import { SessionQueries } from './session-queries.js';
import { SessionViews } from './session-views.js';
import { SessionController } from './session.controller.js';
import { Sessions } from './sessions.service.js';

@Module({
  imports: [
    StoreModule.with({
      service: 'link-session',
      entities: [LinkSessionRow, SubjectKeyRow],
      migrations: [LinkSessions1700000000001, SubjectKeys1700000000002, SessionLists1700000000003],
    }),
  ],
  controllers: [MintController, SessionController, PageController, AttemptController, PersonalTextController],
  providers: [Sessions, SessionQueries, SessionViews, KnownUsers, LinksOfDeletedUsers, ExpireSessions, WatchSession],
})
export class LinkSessionModule {}
