import type { KeyChanged } from '#contracts/key-lease.js';
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
  readonly asked: { subject: Subject; ask: unknown; timeoutMs: number | undefined }[] = [];
  readonly unconfirmed: { subject: keyof Announcements; say: unknown }[] = [];
  /** Whether the key service answers those who ask for a lease. */
  grantsLeases = true;
  private readonly lost: (() => void)[] = [];
  private readonly listeners = new Map<string, Heard<never>>();

  constructor(public answers: Answers = {}) {
    super();
  }

  override async ask<S extends Subject>(subject: S, ask: Ask<S>, timeoutMs?: number): Promise<Reply<S>> {
    this.asked.push({ subject, ask, timeoutMs });
    const answer = this.answers[subject];
    if (!answer) throw new DomainError('UNAVAILABLE', `${subject} is not running; try again.`);
    return answer(ask);
  }

  override get serverVersion(): string {
    return '2.14.3';
  }

  override alive(): Promise<boolean> {
    return Promise.resolve(true);
  }

  override broadcast<S extends keyof Announcements>(
    _: S,
    say: Announcements[S]['say'],
    onAnswer?: (answer: Announcements[S]['answer']) => void,
  ): Promise<{ stop(): void }> {
    if (this.grantsLeases) onAnswer?.(say as Announcements[S]['answer']);
    return Promise.resolve({ stop: () => undefined });
  }

  override listen<S extends keyof Announcements>(subject: S, callback: Heard<S>): undefined {
    this.listeners.set(subject, callback as unknown as Heard<never>);
  }

  /** Another process says this to every listener. */
  hear<S extends keyof Announcements>(
    subject: S,
    say: Announcements[S]['say'],
    answer: (data: Announcements[S]['answer']) => void = () => undefined,
  ): void {
    (this.listeners.get(subject) as unknown as Heard<S> | undefined)?.(say, answer);
  }

  override broadcastUnconfirmed<S extends keyof Announcements>(subject: S, say: Announcements[S]['say']): void {
    this.unconfirmed.push({ subject, say });
  }

  override onDisconnect(callback: () => void): void {
    this.lost.push(callback);
  }

  /** The key service says what has become of a key, dead if nothing else is said; true when the gateway confirms it. */
  change(key_id: string, change: Partial<KeyChanged> = { revoked_at: '2026-01-01T12:00:00.000Z' }): boolean {
    let confirmed = false;
    const said = { key_id, change_id: 'c1', name: 'a key', retires_at: null, revoked_at: null, ...change };
    this.hear('gateway.key-changed', said, () => (confirmed = true));
    return confirmed;
  }

  disconnect(): void {
    for (const callback of this.lost) callback();
  }

  /** Of how many keys it was asked, in however many questions. */
  get keysAsked(): number {
    const questions = this.asked.filter(({ subject }) => subject === 'key.verify');
    return questions.reduce((sum, { ask }) => sum + (ask as Ask<'key.verify'>).key_hashes.length, 0);
  }

  count(subject: Subject): number {
    return this.asked.filter((asked) => asked.subject === subject).length;
  }
}
