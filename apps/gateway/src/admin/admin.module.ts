import { Module } from '@nestjs/common';
import { PAGES_SETTINGS, readPagesSettings } from '../pages/settings.js';
import { AccountController } from './account.controller.js';
import { AdminViews } from './admin-views.js';
import { AdminApiKeysController } from './api-keys.controller.js';
import { AdminAssetsController } from './assets.controller.js';
import { HomeController } from './home.controller.js';
import { ChangesController } from './changes.controller.js';
import { AdminConnectionMetadataController } from './connection-metadata.controller.js';
import { AdminConnectionsController } from './connections.controller.js';
import { History } from './history.service.js';
import { People } from './people.service.js';
import { AdminProjectsController } from './projects.controller.js';
import { AdminSessionsController } from './sessions.controller.js';
import { AdminMomentController } from './moment.controller.js';
import { AdminSystemController } from './system.controller.js';
import { AdminTimelineController } from './timeline.controller.js';
import { AdminOperatorsController } from './operators.controller.js';
import { Passwords } from './passwords.js';
import { AdminProvidersController } from './providers.controller.js';
import { SetupController } from './setup.controller.js';
import { SignInController } from './sign-in.controller.js';
import { SignInLimit } from './sign-in-limit.js';
import { WelcomeController } from './welcome.controller.js';

/** The dashboard. What it knows of the rest comes over the bus, like everything this process knows. */
@Module({
  // Last comes what answers for every other path.
  controllers: [
    AdminAssetsController,
    SetupController,
    SignInController,
    WelcomeController,
    AccountController,
    AdminSessionsController,
    AdminConnectionsController,
    AdminConnectionMetadataController,
    AdminTimelineController,
    AdminMomentController,
    ChangesController,
    AdminApiKeysController,
    AdminProjectsController,
    AdminProvidersController,
    AdminOperatorsController,
    AdminSystemController,
    HomeController,
  ],
  providers: [
    { provide: PAGES_SETTINGS, useFactory: readPagesSettings },
    AdminViews,
    Passwords,
    SignInLimit,
    People,
    History,
  ],
})
export class AdminModule {}
