import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { SessionView } from '#contracts/link-session.js';
import type { Ask } from '#contracts/subjects.js';
import { Sessions } from './sessions.service.js';

/** What the connection service asks while it leads an attempt: take the use, then say how it ended. All repeatable. */
@Controller()
export class AttemptController {
  constructor(private readonly sessions: Sessions) {}

  @MessagePattern('link-session.attempt.claim')
  async claim(@Payload() { context, session_id, attempt_id }: Ask<'link-session.attempt.claim'>): Promise<SessionView> {
    const command = { type: 'ClaimAttempt', attempt_id, now: new Date().toISOString() } as const;
    return (await this.sessions.command(session_id, command, context)).view;
  }

  @MessagePattern('link-session.attempt.refuse')
  async refuse(@Payload() ask: Ask<'link-session.attempt.refuse'>): Promise<SessionView> {
    const { context, session_id, ...refusal } = ask;
    const command = { type: 'RefuseAttempt', ...refusal, by: 'provider', now: new Date().toISOString() } as const;
    return (await this.sessions.command(session_id, command, context)).view;
  }

  @MessagePattern('link-session.attempt.settle')
  async settle(@Payload() ask: Ask<'link-session.attempt.settle'>): Promise<SessionView> {
    const { context, session_id, attempt_id, outcome } = ask;
    const command = { type: 'SettleAttempt', attempt_id, outcome, now: new Date().toISOString() } as const;
    return (await this.sessions.command(session_id, command, context)).view;
  }
}
