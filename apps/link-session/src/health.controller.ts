import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { Reply } from '#contracts/subjects.js';
import { Store } from '#service/store.js';

@Controller()
export class HealthController {
  constructor(private readonly store: Store) {}

  @MessagePattern('link-session.health')
  health(): Promise<Reply<'link-session.health'>> {
    return this.store.health();
  }
}
