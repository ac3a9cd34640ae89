import type { EventStoreDBClient } from '@eventstore/db-client';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, DatabaseError } from 'pg';
import type { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import type { Drift, ReplayPhase } from '#contracts/replay.js';
import { compare } from './drift.js';
import { type Batch, commitOf, type StorePosition } from './follow.js';
import { readPages } from './read-pages.js';
import { askPatiently, lock, openSession } from './replay-session.js';
import { ShadowTable } from './shadow-table.js';
import type { View } from './view.js';
import { ShadowWriter } from './shadow-writer.js';
import { type Log, ViewMover } from './view-mover.js';

/** With no more than this to read, the rest is read while the live projectors wait. */
const NEAR = 200;
const SWAPS = 120;

export interface ReplayProgress {
  phase: ReplayPhase;
  events: number;
  /** Between 0 and 1, by positions: good enough to estimate from. */
  done: number;
}

export interface ReplayOrder {
  view: View;
  /** Compare and change nothing. */
  verify: boolean;
  signal: AbortSignal;
  onProgress(progress: ReplayProgress): void;
  /** In the transaction that puts the new table in place: what is written here stands exactly when that has happened. */
  onSwap?(connection: Client, replayed: Replayed): Promise<void>;
}

export interface Replayed {
  drift: Drift;
  parked: number;
}

interface Deps {
  client: EventStoreDBClient;
  dataSource: DataSource;
  log: Log;
}

/**
 * Builds a view again from the events in a table beside the live one, holds the two against each other at the same
 * position, and lets the new one take the place of the old in one short transaction. The live view goes on meanwhile,
 * and so do its readers: none fails, and none sees an older row. A session lock lets one replica work at a time; with
 * the session everything ends, and what it left is dropped by the next one or by `dropLeftovers`.
 */
export async function replay(deps: Deps, order: ReplayOrder): Promise<Replayed> {
  const connection = await openSession(deps.dataSource);
  try {
    if (!(await lock(connection, order.view))) {
      throw new DomainError('INVALID_STATE', `The view ${order.view.name} is being replayed already.`);
    }
    const { tableName } = deps.dataSource.getMetadata(order.view.entity);
    const work = new Replay(deps, order, { connection, live: tableName });
    return await work.run();
  } finally {
    await connection.end().catch(() => undefined);
  }
}

/** The live view never catches up without its table, and a replay takes the form of its own from it. */
export async function refuseLost(dataSource: DataSource, { entity }: View): Promise<void> {
  const { tableName } = dataSource.getMetadata(entity);
  const text = 'select to_regclass($1) is null as lost';
  const [row] = await dataSource.query<[{ lost: boolean }]>(text, [`"${tableName}"`]);
  if (row.lost) throw new DomainError('NOT_FOUND', `The table ${tableName} is gone, and no replay makes it anew.`);
}

/** Drops the half-built table of a replay that nobody works on any more. */
export async function dropLeftovers(dataSource: DataSource, view: View): Promise<void> {
  const connection = await openSession(dataSource);
  try {
    const { tableName } = dataSource.getMetadata(view.entity);
    if (await lock(connection, view)) await new ShadowTable(connection, tableName, view).drop();
  } finally {
    await connection.end().catch(() => undefined);
  }
}

class Replay {
  private readonly shadow: ShadowTable;
  private readonly mover: ViewMover;
  private readonly connection: Client;
  private at: StorePosition | null = null;
  private events = 0;
  private target: StorePosition | null = null;

  constructor(
    private readonly deps: Deps,
    private readonly order: ReplayOrder,
    private readonly tables: { connection: Client; live: string },
  ) {
    const { connection, live } = tables;
    this.connection = connection;
    this.shadow = new ShadowTable(connection, live, order.view);
    const writer = new ShadowWriter(connection, this.shadow, { dataSource: deps.dataSource, view: order.view });
    this.mover = new ViewMover(deps, order.view, writer);
  }

  async run(): Promise<Replayed> {
    await this.shadow.create();
    try {
      await this.catchUp();
      if (!this.order.verify) await this.addIndexes();
      await askPatiently(this.connection, `analyze "${this.shadow.name}"`);
      const drift = await this.compare();
      const replayed = { drift, parked: await this.shadow.parked() };
      if (!this.order.verify) await this.swap(replayed);
      this.tell('over');
      return replayed;
    } finally {
      await this.shadow.drop().catch(() => undefined);
    }
  }

  /** Up to where the live view stands, until that is near: it moves on meanwhile. Never beyond it. */
  private async catchUp(): Promise<void> {
    let before: number;
    do {
      before = this.events;
      await this.advance(await this.livePosition());
    } while (this.events - before > NEAR);
  }

  private async addIndexes(): Promise<void> {
    for (const index of await this.shadow.lateIndexes()) {
      await this.shadow.add(index);
      this.tell('building');
    }
  }

  /** In one picture of the database, which holds the live rows, their position, and what we have just written. */
  private async compare(): Promise<Drift> {
    const { connection, deps, order, tables } = this;
    await connection.query('begin isolation level repeatable read');
    try {
      await this.advance(await this.livePosition());
      await connection.query(`set local work_mem = '32MB'; set local enable_seqscan = on`);
      this.tell('comparing');
      const drift = await compare(connection, deps.dataSource, order.view, {
        live: tables.live,
        shadow: this.shadow.name,
      });
      await connection.query('commit');
      return drift;
    } catch (error) {
      await connection.query('rollback').catch(() => undefined);
      throw error;
    }
  }

  /** Steps back when readers or writers would have to wait for long, and tries again. */
  private async swap(replayed: Replayed): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.catchUp();
      this.tell('swapping');
      const before = this.at;
      await this.connection.query('begin');
      try {
        await this.shadow.holdWriters();
        await this.advance(await this.livePosition(), NEAR);
        await this.shadow.takePlace();
        await this.order.onSwap?.(this.connection, replayed);
        await this.connection.query('commit');
        return;
      } catch (error) {
        await this.connection.query('rollback');
        if (!isWorthAnotherTry(error) || attempt === SWAPS) throw error;
        this.at = before;
      }
      await wait(Math.min(50 * attempt, 1_000), undefined, { signal: this.order.signal });
    }
  }

  private async livePosition(): Promise<StorePosition | null> {
    const text = 'select "commit", "prepare" from checkpoints where "view" = $1';
    const { rows } = await this.connection.query<{ commit: string; prepare: string }>(text, [this.order.view.name]);
    const [row] = rows;
    const position = row ? { commit: BigInt(row.commit), prepare: BigInt(row.prepare) } : null;
    if (commitOf(position) < commitOf(this.at)) throw new Error('the live view is being built anew');
    return position;
  }

  /** Applies the events up to `target`; throws TooFar when they are more than `most`. */
  private async advance(target: StorePosition | null, most = Infinity): Promise<void> {
    this.target = target;
    if (!target) return;
    const stretch = { prefixes: this.order.view.prefixes, after: this.at, upTo: target };
    let left = most;
    for await (const batch of readPages(this.deps.client, stretch)) {
      left -= batch.events.length;
      if (left < 0) throw new TooFar();
      await this.move(batch);
    }
    if (commitOf(this.at) < target.commit) await this.move({ events: [], position: target });
  }

  /** Also when there is nothing to write: that shows how far it is, and the database that we are still at work. */
  private async move({ events, position }: Batch): Promise<void> {
    while (commitOf(this.at) < position.commit) {
      const moved = await this.mover.move(this.at, { events, position });
      if (!moved) throw new Error('somebody else has moved the replay');
      this.at = moved;
    }
    this.events += events.length;
    this.tell('building');
  }

  private tell(phase: ReplayPhase): void {
    const goal = Number(commitOf(this.target));
    const done = goal <= 0 ? 1 : Math.min(1, Math.max(0, Number(commitOf(this.at))) / goal);
    this.order.onProgress({ phase, events: this.events, done });
    if (phase !== 'over') this.order.signal.throwIfAborted();
  }
}

/** More happened meanwhile than can be read while the writers wait. */
class TooFar extends Error {}

/** Lock timeout, deadlock: others were at work. */
const isWorthAnotherTry = (error: unknown): boolean =>
  error instanceof TooFar || (error instanceof DatabaseError && ['55P03', '40P01'].includes(error.code ?? ''));
