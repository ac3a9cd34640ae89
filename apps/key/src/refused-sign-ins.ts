import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import type { SignInCommand } from '#contracts/operator.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { Store } from '#service/store.js';
import { Sweep } from '#service/sweep.js';
import { signIn } from './sign-in.decider.js';

const RECORD_EVERY_MS = 1_000;
const MINUTE_MS = 60_000;
const RECORD_MS = 4_000;

type Refuse = Extract<SignInCommand, { type: 'RefuseSignIn' }>;

interface Refusal {
  id: string;
  context: Context;
  command: Omit<Refuse, 'now'>;
}

/**
 * Refused sign-ins become events after their answer, whoever was meant, so that one takes as long where there is such an
 * operator. Of these only so many a minute can be wrong, and each is an event within a second. Addresses of nobody can be made
 * up without end: those of a minute are one event, which has from the first of them where it came from.
 */
@Injectable()
export class RefusedSignIns implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** What could not be recorded waits here unchanged, as it may stand there already. */
  private readonly due: Refusal[] = [];
  private unknown: Refusal | null = null;
  private minuteEnds = -Infinity;
  private readonly handle;
  private readonly rounds = new Sweep({
    everyMs: RECORD_EVERY_MS,
    work: () => this.record(),
    failure: 'refused sign-ins are recorded later',
  });

  constructor(@Inject(Store) store: Store) {
    this.handle = commandHandler(store.client, 'sign_in', signIn);
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.stop();
    this.minuteEnds = -Infinity;
    await this.record();
  }

  note(context: Context, operator: { operator_id: string; email: string } | null): void {
    const at = new Date().toISOString();
    if (operator) {
      const { operator_id, email } = operator;
      this.due.push(refusal(context, { operator_id, email }, at));
    } else if (this.unknown) {
      this.unknown.command.count += 1;
      this.unknown.command.last_at = at;
    } else {
      this.unknown = refusal(context, { operator_id: null, email: null }, at);
    }
  }

  async record(): Promise<void> {
    if (this.unknown && performance.now() >= this.minuteEnds) {
      this.due.push(this.unknown);
      this.unknown = null;
      this.minuteEnds = performance.now() + MINUTE_MS;
    }
    for (let next = this.due[0]; next; next = this.due[0]) {
      const command: Refuse = { ...next.command, now: new Date().toISOString() };
      const context = { ...next.context, deadline: Date.now() + RECORD_MS };
      await this.handle({ id: next.id, command, context, expectNew: true });
      this.due.shift();
    }
  }
}

const refusal = (context: Context, whom: Pick<Refuse, 'operator_id' | 'email'>, at: string): Refusal => ({
  id: randomUUID(),
  context,
  command: { type: 'RefuseSignIn', ...whom, count: 1, first_at: at, last_at: at },
});
