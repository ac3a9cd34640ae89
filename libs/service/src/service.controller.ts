import { Controller, Inject, type Type } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { ServiceName } from '#contracts/services.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Replays } from './replays.js';
import { Store } from './store.js';

/** What every service answers alike: how it is, and the replays of all of its views. */
export function serviceController(service: ServiceName): Type {
  @Controller()
  class ServiceController {
    constructor(
      @Inject(Store) private readonly store: Store,
      @Inject(Replays) private readonly replays: Replays,
    ) {}

    @MessagePattern(`${service}.health`)
    health(): Promise<Reply<'key.health'>> {
      return this.store.health();
    }

    @MessagePattern(`${service}.replay.start`)
    start(@Payload() wish: Ask<'key.replay.start'>): Promise<Reply<'key.replay.start'>> {
      return this.replays.start(wish);
    }

    @MessagePattern(`${service}.replay.list`)
    list(@Payload() ask: Ask<'key.replay.list'>): Promise<Reply<'key.replay.list'>> {
      return this.replays.list(ask);
    }
  }
  return ServiceController;
}
