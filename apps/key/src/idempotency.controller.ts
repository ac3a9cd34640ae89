import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { IdempotentReplies } from './idempotent-replies.js';

@Controller()
export class IdempotencyController {
  constructor(private readonly replies: IdempotentReplies) {}

  @MessagePattern('key.idempotency.begin')
  begin(@Payload() ask: Ask<'key.idempotency.begin'>): Promise<Reply<'key.idempotency.begin'>> {
    return this.replies.begin(ask.scope, ask.body_hash);
  }

  @MessagePattern('key.idempotency.keep')
  async keep(@Payload() ask: Ask<'key.idempotency.keep'>): Promise<Reply<'key.idempotency.keep'>> {
    await this.replies.keep(ask.scope, ask.status, ask.sealed);
    return {};
  }

  @MessagePattern('key.idempotency.release')
  async release(@Payload() ask: Ask<'key.idempotency.release'>): Promise<Reply<'key.idempotency.release'>> {
    await this.replies.release(ask.scope, ask.forget);
    return {};
  }
}
