import { Module } from '@nestjs/common';
import { StoreModule } from '#service/store.module.js';
import { AuditController } from './audit.controller.js';
import { AuditEntryRow } from './audit-entry.entity.js';
import { migrations } from './migrations/index.js';
import { LiveTimeline } from './live-timeline.js';
import { LostKeys } from './lost-keys.js';
import { News } from './news.js';
import { OpenTexts } from './open-texts.js';
import { PublishEvents } from './publish-events.js';
import { AuditExport } from './audit-export.js';
import { ExportController } from './export.controller.js';
import { SignCheckpoints } from './sign-checkpoints.js';
import { openCheckpointSigner } from './checkpoint-signer.js';
import { Timeline } from './timeline.js';

@Module({
  imports: [
    StoreModule.with({
      service: 'audit',
      entities: [AuditEntryRow],
      migrations,
    }),
  ],
  controllers: [AuditController, ExportController],
  providers: [
    OpenTexts,
    News,
    Timeline,
    LiveTimeline,
    PublishEvents,
    AuditExport,
    SignCheckpoints,
    LostKeys,
    openCheckpointSigner,
  ],
})
export class AuditModule {}
