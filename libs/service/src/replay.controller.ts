import { Controller, Inject, type Type } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { ServiceName } from '#contracts/services.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Replays } from './replays.js';

/** Answers for the replays of a service. Every service has it, for all of its views. */
export function replayController(service: ServiceName): Type {
  @Controller()
  class ReplayController {
    constructor(@Inject(Replays) private readonly replays: Replays) {}

    @MessagePattern(`${service}.replay.start`)
    start(@Payload() wish: Ask<'key.replay.start'>): Promise<Reply<'key.replay.start'>> {
      return this.replays.start(wish);
    }

    @MessagePattern(`${service}.replay.list`)
    list(@Payload() ask: Ask<'key.replay.list'>): Promise<Reply<'key.replay.list'>> {
      return this.replays.list(ask);
    }
  }
  return ReplayController;
}
