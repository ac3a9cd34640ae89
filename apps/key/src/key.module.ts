import { Module } from '@nestjs/common';
import { StoreModule } from '#service/store.module.js';
import { DefaultProject } from './default-project.js';
import { FinishRotations } from './finish-rotations.js';
import { Gateways } from './gateways.js';
import { IdempotencyController } from './idempotency.controller.js';
import { IdempotentReplies } from './idempotent-replies.js';
import { KeyFolds } from './key-folds.js';
import { KeyQueries } from './key-queries.js';
import { KeyUses } from './key-uses.js';
import { KeyController } from './key.controller.js';
import { KnownKeys } from './known-keys.js';
import { ApiKeyRow } from './key.view.js';
import { Keys } from './keys.service.js';
import { OperatorController } from './operator.controller.js';
import { OperatorPasswords } from './operator-passwords.js';
import { OperatorSessions } from './operator-sessions.js';
import { Operators } from './operators.service.js';
import { RefusedSignIns } from './refused-sign-ins.js';
import { ApiKeys1700000000001 } from './migrations/0001-api-keys.js';
import { IdempotentReplies1700000000002 } from './migrations/0002-idempotent-replies.js';
import { RotationAndUse1700000000003 } from './migrations/0003-rotation-and-use.js';
import { Projects1700000000004 } from './migrations/0004-projects.js';
import { KeyPrefixes1700000000005 } from './migrations/0005-key-prefixes.js';
import { ProjectQueries } from './project-queries.js';
import { ProjectController } from './project.controller.js';
import { ProjectRow } from './project.view.js';
import { Projects } from './projects.service.js';
import { Operators1700000000010 } from './migrations/0010-operators.js';
import { BegunKeys1700000000011 } from './migrations/0011-begun-keys.js';
import { UnfinishedRotations1700000000012 } from './migrations/0012-unfinished-rotations.js';

@Module({
  imports: [
    StoreModule.with({
      service: 'key',
      entities: [ApiKeyRow, ProjectRow],
      migrations: [
        ApiKeys1700000000001,
        IdempotentReplies1700000000002,
        RotationAndUse1700000000003,
        Projects1700000000004,
        KeyPrefixes1700000000005,
        Operators1700000000010,
        BegunKeys1700000000011,
        UnfinishedRotations1700000000012,
      ],
    }),
  ],
  controllers: [KeyController, ProjectController, IdempotencyController, OperatorController],
  providers: [
    Keys,
    KeyQueries,
    KeyFolds,
    KnownKeys,
    KeyUses,
    Gateways,
    FinishRotations,
    IdempotentReplies,
    Projects,
    ProjectQueries,
    DefaultProject,
    Operators,
    OperatorPasswords,
    OperatorSessions,
    RefusedSignIns,
  ],
})
export class KeyModule {}
