import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { LiveTimeline } from './live-timeline.js';
import { Timeline } from './timeline.js';

@Controller()
export class AuditController {
  constructor(
    private readonly timeline: Timeline,
    private readonly live: LiveTimeline,
  ) {}

  @MessagePattern('audit.list')
  list(@Payload() ask: Ask<'audit.list'>): Promise<Reply<'audit.list'>> {
    return this.timeline.list(ask);
  }

  @MessagePattern('audit.changes')
  changes(@Payload() ask: Ask<'audit.changes'>): Promise<Reply<'audit.changes'>> {
    return this.live.changes(ask);
  }
}
