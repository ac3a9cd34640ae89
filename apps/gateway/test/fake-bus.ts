import { type Announcements, type Ask, type Reply, type Subject } from '#contracts/subjects.js';
import { DomainError } from '#contracts/errors.js';
import { Bus } from '#service/bus.js';

export type Answers = { [S in Subject]?: (ask: Ask<S>) => Reply<S> | Promise<Reply<S>> };
type Heard<S extends keyof Announcements> = (
  say: Announcements[S]['say'],
  answer: (data: Announcements[S]['answer']) => void,
) => void;

/** A bus whose services are functions of the test. What nobody answers is UNAVAILABLE, as on the real one. */
export class FakeBus extends Bus {
  readonly asked: { subject: Subject; ask: unknown }[] = [];
  /** Whether the key service answers those who ask for a lease. */
  grantsLeases = true;
  private readonly lost: (() => void)[] = [];
  private revoked: Heard<'gateway.key-revoked'> | undefined;

  constructor(public answers: Answers = {}) {
    super();
  }

  override async ask<S extends Subject>(subject: S, ask: Ask<S>): Promise<Reply<S>> {
    this.asked.push({ subject, ask });
    const answer = this.answers[subject];
    if (!answer) throw new DomainError('UNAVAILABLE', `${subject} is not running; try again.`);
    return answer(ask);
  }

  override announce<S extends keyof Announcements>(
    _: S,
    say: Announcements[S]['say'],
    onAnswer?: (answer: Announcements[S]['answer']) => void,
  ): Promise<{ stop(): void }> {
    if (this.grantsLeases) onAnswer?.(say as Announcements[S]['answer']);
    return Promise.resolve({ stop: () => undefined });
  }

  override listen<S extends keyof Announcements>(_: S, callback: Heard<S>): undefined {
    this.revoked = callback as unknown as Heard<'gateway.key-revoked'>;
  }

  override onDisconnect(callback: () => void): void {
    this.lost.push(callback);
  }

  /** The key service says that a key is dead; true when the gateway has confirmed it. */
  revoke(key_id: string): boolean {
    let confirmed = false;
    this.revoked?.({ key_id, revoke_id: 'r1' }, () => (confirmed = true));
    return confirmed;
  }

  disconnect(): void {
    for (const callback of this.lost) callback();
  }

  count(subject: Subject): number {
    return this.asked.filter((asked) => asked.subject === subject).length;
  }
}
