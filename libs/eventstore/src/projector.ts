import type { EventStoreDBClient } from '@eventstore/db-client';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Batch, follow, type StorePosition } from './follow.js';
import type { Changes, View } from './view.js';

const CATCH_UP_MS = 2_000;

/** Called after a batch is committed. */
export type OnApplied = (batch: Batch) => void;

interface Log {
  warn(message: string): void;
  error(error: unknown, message?: string): void;
}

/**
 * Keeps one view in step with the store. Rows and checkpoint change in one statement that names the checkpoint
 * it starts from: of two replicas at work on the same view, one moves it and the other's statement does nothing.
 */
export class Projector {
  private at: StorePosition | null = null;
  private behindSince: number | null = null;
  private parkedCount = 0;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private waiting = new Set<() => void>();

  constructor(
    private readonly deps: { client: EventStoreDBClient; dataSource: DataSource; log: Log },
    private readonly view: View,
    private readonly onApplied?: OnApplied,
  ) {}

  start(): void {
    this.running = follow({
      client: this.deps.client,
      prefixes: this.view.prefixes,
      signal: this.stopping.signal,
      load: () => this.load(),
      apply: (batch) => this.apply(batch),
      onCaughtUp: () => (this.behindSince = null),
      onFailure: (error) => {
        this.behindSince ??= Date.now();
        this.deps.log.warn(`view ${this.view.name}: ${String(error)}; subscribing again`);
      },
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  health() {
    const lag_ms = this.behindSince === null ? 0 : Date.now() - this.behindSince;
    return { name: this.view.name, lag_ms, parked: this.parkedCount };
  }

  /** Resolves when the view shows everything up to `position`; 503 when that takes too long. */
  async reached(position: Position | undefined): Promise<void> {
    if (position === undefined) return;
    const target = BigInt(position);
    const deadline = Date.now() + CATCH_UP_MS;
    while ((this.at?.commit ?? -1n) < target) {
      if (Date.now() >= deadline) throw new DomainError('UNAVAILABLE', 'The view is catching up; try again.');
      await this.moved(Math.min(250, deadline - Date.now()));
      if ((this.at?.commit ?? -1n) < target) await this.lookAround();
    }
  }

  /** Another replica may be the one that moves the view. */
  private async lookAround(): Promise<void> {
    const stored = await this.load();
    if (stored && stored.commit > (this.at?.commit ?? -1n)) this.at = stored;
  }

  private async load(): Promise<StorePosition | null> {
    const rows = await this.deps.dataSource.query<{ commit: string; prepare: string }[]>(
      'select "commit", "prepare" from checkpoints where "view" = $1',
      [this.view.name],
    );
    const [row] = rows;
    this.at = row ? { commit: BigInt(row.commit), prepare: BigInt(row.prepare) } : null;
    return this.at;
  }

  private async apply(batch: Batch): Promise<void> {
    const known = this.at?.commit ?? -1n;
    const events = batch.events.filter((event) => event.commit > known);
    this.behindSince ??= Date.now();
    const changes = await this.view.changes(events, this.deps.dataSource);
    for (const { event, error } of changes.parked) {
      this.parkedCount++;
      this.deps.log.error(error, `view ${this.view.name}: parked ${event.event.type} of ${event.stream}`);
    }
    await this.write(changes, batch.position);
    this.at = batch.position;
    this.behindSince = null;
    this.onApplied?.({ ...batch, events });
    for (const wake of this.waiting) wake();
  }

  private async write(changes: Changes, to: StorePosition): Promise<void> {
    const from = this.at?.commit ?? null;
    const rows = await this.deps.dataSource.query<{ moved: string }[]>(this.statement(), [
      this.view.name,
      from === null ? null : String(from),
      String(to.commit),
      String(to.prepare),
      JSON.stringify(changes.rows),
      changes.removed,
      JSON.stringify(changes.parked.map((one) => this.parkedRow(one))),
    ]);
    if (rows[0]?.moved !== '1') throw new Error('another replica moved the checkpoint');
  }

  private parkedRow({ event, error }: Changes['parked'][number]) {
    const { id: event_id, stream, commit } = event;
    const type = event.event.type;
    return { view: this.view.name, event_id, stream, type, commit: String(commit), error: String(error) };
  }

  private sql: string | undefined;

  /**
   * One statement, so one transaction and one round trip; nothing happens unless the checkpoint is where we think.
   * It does not wait for the disk: what a crash takes back, rows and checkpoint together, is simply applied again.
   */
  private statement(): string {
    if (this.sql) return this.sql;
    const metadata = this.deps.dataSource.getMetadata(this.view.entity);
    const table = `"${metadata.tableName}"`;
    const keys = metadata.primaryColumns.map((column) => `"${column.databaseName}"`);
    const columns = metadata.columns.map((column) => `"${column.databaseName}"`);
    const others = columns.filter((column) => !keys.includes(column));
    this.sql = `
      with moved as (
        insert into checkpoints as c ("view", "commit", "prepare") values ($1, $3, $4)
        on conflict ("view") do update set "commit" = excluded."commit", "prepare" = excluded."prepare"
          where c."commit" = $2
        returning set_config('synchronous_commit', 'off', true)
      ), written as (
        insert into ${table} (${columns.join(', ')})
        select ${columns.join(', ')} from jsonb_populate_recordset(null::${table}, $5::jsonb)
        where exists (select 1 from moved)
        on conflict (${keys.join(', ')}) do update set ${others.map((c) => `${c} = excluded.${c}`).join(', ')}
      ), gone as (
        delete from ${table} where ${keys[0]}::text = any($6::text[]) and exists (select 1 from moved)
      ), parked as (
        insert into parked_events select * from jsonb_populate_recordset(null::parked_events, $7::jsonb)
        where exists (select 1 from moved) on conflict do nothing
      )
      select count(*)::text as moved from moved`;
    return this.sql;
  }

  private async moved(ms: number): Promise<void> {
    let wake!: () => void;
    const signalled = new Promise<void>((resolve) => (wake = resolve));
    this.waiting.add(wake);
    await Promise.race([signalled, wait(ms)]);
    this.waiting.delete(wake);
  }
}
