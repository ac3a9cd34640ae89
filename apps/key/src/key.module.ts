import { Module } from '@nestjs/common';
import { StoreModule } from '#service/store.module.js';
import { Gateways } from './gateways.js';
import { KeyQueries } from './key-queries.js';
import { KeyController } from './key.controller.js';
import { ApiKeyRow } from './key.view.js';
import { Keys } from './keys.service.js';
import { ApiKeys1700000000001 } from './migrations/0001-api-keys.js';

@Module({
  imports: [StoreModule.with({ entities: [ApiKeyRow], migrations: [ApiKeys1700000000001] })],
  controllers: [KeyController],
  providers: [Keys, KeyQueries, Gateways],
})
export class KeyModule {}
