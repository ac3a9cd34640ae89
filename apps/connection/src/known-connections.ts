import { Injectable } from '@nestjs/common';
import type { ConnectionCommand, ConnectionEvent, ConnectionView } from '#contracts/connection.js';
import { batchHandler, type BatchCommand, type Known } from '#eventstore/batch-handler.js';
import { project } from '#eventstore/projection.js';
import { PAGE, readStream } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { ConnectionFolds } from './connection-folds.js';
import { connection, type ConnectionState } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';
import { Remembered } from './remembered.js';
import { type SecretInForce, WebhookSecrets } from './webhook-secrets.js';

const MOST_REMEMBERED = 2_000;

/** A connection as its stream said at some revision. */
export interface KnownConnection extends Known<ConnectionState> {
  view: ConnectionView;
  /** The webhook secrets that count, once they were asked for. */
  secrets?: SecretInForce[] | undefined;
}

type Keep = (known: KnownConnection) => void;

/**
 * Remembers the connections that providers deliver to or whose credentials are used, so that neither costs a read. Being
 * a little behind does no harm: whoever builds on it appends at its revision, and fails when the stream has moved on.
 */
@Injectable()
export class KnownConnections {
  private readonly handle;
  private readonly remembered = new Remembered<KnownConnection>(MOST_REMEMBERED);

  constructor(
    private readonly store: Store,
    private readonly secrets: WebhookSecrets,
    private readonly folds: ConnectionFolds,
  ) {
    this.handle = batchHandler(store.client, 'connection', connection);
  }

  /** As it was lately; null when there is none. */
  async get(id: string): Promise<KnownConnection | null> {
    return this.remembered.get(id) ?? (await this.now(id));
  }

  /** As it is now: the same object when nothing has happened since it was remembered. */
  now(id: string): Promise<KnownConnection | null> {
    return this.remembered.reading(id, (keep) => this.read(id, keep));
  }

  private async read(id: string, keep: Keep): Promise<KnownConnection | null> {
    const before = this.remembered.get(id);
    if (!before) return this.learn(id, keep);
    const after = typeof before.revision === 'bigint' ? before.revision : undefined;
    const read = await readStream<ConnectionEvent>(this.store.client, `connection-${id}`, after, PAGE);
    if (read.events.length === 0) return before;
    // Whoever is so far behind reads in parts.
    if (read.events.length === PAGE) return this.learn(id, keep);
    const events = read.events.map(({ event }) => event);
    const view = project(connectionProjection, events, before.view);
    if (!view) return this.forget(id);
    const state = events.reduce((sum, event) => connection.evolve(sum, event), before.state);
    const secrets = haveSameSecrets(before.view, view) ? before.secrets : undefined;
    const known = { view, state, revision: read.revision, secrets };
    keep(known);
    return known;
  }

  private async learn(id: string, keep: Keep): Promise<KnownConnection | null> {
    const { view, state, revision } = await this.folds.read(id);
    if (!view) return null;
    const known = { view, state, revision };
    keep(known);
    return known;
  }

  async secretsOf(known: KnownConnection): Promise<SecretInForce[]> {
    return (known.secrets ??= await this.secrets.inForce(known.view));
  }

  /** What each command brought about. Throws Conflict when the connection is not what it was known to be. */
  append(
    id: string,
    before: KnownConnection,
    commands: BatchCommand<ConnectionCommand>[],
  ): Promise<ConnectionEvent[][]> {
    return this.remembered.reading(id, async (keep) => {
      const { decided, known } = await this.handle({ id, known: before, commands });
      const view = project(connectionProjection, decided.flat(), before.view);
      // Nothing that is appended here concerns the secrets.
      if (view) keep({ ...before, ...known, view });
      return decided;
    });
  }

  forget(id: string): null {
    this.remembered.forget(id);
    return null;
  }

  /** Its texts have been erased: what was read of it before must not be there any more. */
  forgetText(id: string): void {
    this.folds.forget(id);
    this.remembered.erase((name) => name === id);
  }
}

const haveSameSecrets = (one: ConnectionView, other: ConnectionView): boolean =>
  one.webhook_version === other.webhook_version &&
  one.webhook_previous === other.webhook_previous &&
  one.webhook_previous_until === other.webhook_previous_until;
