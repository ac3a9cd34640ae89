import { Module } from '@nestjs/common';
import { StoreModule } from '#service/store.module.js';
import { FinishRotations } from './finish-rotations.js';
import { Gateways } from './gateways.js';
import { IdempotencyController } from './idempotency.controller.js';
import { IdempotentReplies } from './idempotent-replies.js';
import { KeyQueries } from './key-queries.js';
import { KeyUses } from './key-uses.js';
import { KeyController } from './key.controller.js';
import { ApiKeyRow } from './key.view.js';
import { Keys } from './keys.service.js';
import { ApiKeys1700000000001 } from './migrations/0001-api-keys.js';
import { IdempotentReplies1700000000002 } from './migrations/0002-idempotent-replies.js';
import { RotationAndUse1700000000003 } from './migrations/0003-rotation-and-use.js';
import { KeyPrefixes1700000000005 } from './migrations/0005-key-prefixes.js';

@Module({
  imports: [
    StoreModule.with({
      entities: [ApiKeyRow],
      migrations: [
        ApiKeys1700000000001,
        IdempotentReplies1700000000002,
        RotationAndUse1700000000003,
        KeyPrefixes1700000000005,
      ],
    }),
  ],
  controllers: [KeyController, IdempotencyController],
  providers: [Keys, KeyQueries, KeyUses, Gateways, FinishRotations, IdempotentReplies],
})
export class KeyModule {}
