import { Module } from '@nestjs/common';
import { StoreModule } from '#service/store.module.js';
import { AuditController } from './audit.controller.js';
import { AuditEntryRow } from './audit-entry.entity.js';
import { AuditEntries1700000000001 } from './migrations/0001-audit-entries.js';
import { AuditChain1700000000003 } from './migrations/0003-audit-chain.js';
import { AuditOrigins1700000000002 } from './migrations/0002-audit-origins.js';
import { SealedLabels1700000000006 } from './migrations/0006-sealed-labels.js';
import { WrittenAt1700000000007 } from './migrations/0007-written-at.js';
import { OrderOfProjects1700000000008 } from './migrations/0008-order-of-projects.js';
import { LiveTimeline } from './live-timeline.js';
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
      migrations: [
        AuditEntries1700000000001,
        AuditOrigins1700000000002,
        AuditChain1700000000003,
        SealedLabels1700000000006,
        WrittenAt1700000000007,
        OrderOfProjects1700000000008,
      ],
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
    openCheckpointSigner,
  ],
})
export class AuditModule {}
