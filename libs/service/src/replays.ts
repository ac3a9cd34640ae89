import { setTimeout as wait } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { type Context, defaultTenant, systemContext } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { uuidV5 } from '#contracts/ids.js';
import { type Drift, driftCount, type ReplayWish, type ViewReplay } from '#contracts/replay.js';
import { dropLeftovers, refuseLost, replay, type Replayed, type ReplayProgress } from '#eventstore/replay.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { readStream } from '#eventstore/read-stream.js';
import { replayLock } from '#eventstore/replay-session.js';
import type { View } from '#eventstore/view.js';
import { logger } from './logger.js';
import { idsOf, type RunningReplay, saveProgress, type Tables } from './running-replay.js';
import type { Store } from './store.js';
import { viewReplay } from './view-replay.decider.js';

const SAVE_EVERY_MS = 500;
/** A replay of which nothing was heard for so long has ended with its process, unless its session is still there. */
const SILENT_SECONDS = 15;
const SHOWN = 100;
const FINAL_SAVES = 120;
const RECORD_MS = 2_000;

/** Each is a row and two events, all of which the one replay that they wait for has to tell of. */
const MOST_WISHES = 50;

type Named = Pick<ViewReplay, 'id' | 'view'>;

/** The replays of one service's views: done here one after the other, written down for every replica to tell. */
export class Replays implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly running = new Set<RunningReplay>();
  private queue: Promise<void> = Promise.resolve();
  private saving: Promise<void> | undefined;
  private saver: NodeJS.Timeout | undefined;
  private readonly handle;

  constructor(
    private readonly store: Store,
    private readonly service: string,
  ) {
    this.handle = commandHandler(store.client, 'view_replay', viewReplay);
  }

  /** What an earlier process was cut off from is cleared away; a replica at work is left alone. */
  onApplicationBootstrap(): void {
    this.saver = setInterval(() => void this.saveProgress().catch(() => undefined), SAVE_EVERY_MS).unref();
    this.queue = this.clear().catch((error: unknown) => logger.warn(`leftovers of replays: ${String(error)}`));
  }

  private async clear(): Promise<void> {
    for (const view of this.store.views) await dropLeftovers(this.store.dataSource, view);
    await this.store.dataSource.query(`delete from view_replays where finished_at < now() - interval '90 days'`);
    await this.tellEnds();
  }

  /**
   * The same id again starts nothing. A view that is being replayed already is replayed once more afterwards: once for all that
   * wish it meanwhile.
   */
  async start({ context, id, view: name, verify }: ReplayWish): Promise<ViewReplay[]> {
    const views = this.store.views.filter((view) => name === undefined || view.name === name);
    for (const view of views) {
      this.refuseCrowd(id, this.waiting(view, verify));
      const rows = await this.store.dataSource.query<unknown[]>(
        `insert into view_replays (id, "view", verify, state, phase) values ($1, $2, $3, 'running', 'waiting')
         on conflict do nothing returning id`,
        [id, view.name, verify],
      );
      if (rows.length === 0) continue;
      await this.tellStart({ id, view: view.name, verify }, context);
      this.enqueue({ id, view, verify, context });
    }
    return this.list({ id });
  }

  /** Behind its row, by which others tell the end if this process dies. One that cannot be told of may be wished again. */
  private async tellStart({ id, view, verify }: Named & { verify: boolean }, context: Context): Promise<void> {
    const at = new Date().toISOString();
    const command = { type: 'StartViewReplay' as const, replay_id: id, view, verify, at };
    try {
      await this.handle({ id: uuidV5(id, view), command, context });
    } catch (error) {
      const forget = 'delete from view_replays where id = $1 and "view" = $2';
      // A row that stays is found silent later, and the replay ends as failed.
      await this.store.dataSource.query(forget, [id, view]).catch(() => undefined);
      throw error;
    }
  }

  private enqueue({ view, verify, ...wish }: { view: View; verify: boolean; id: string; context: Context }): void {
    const waiting = this.waiting(view, verify);
    if (waiting) return void waiting.wishes.push(wish);
    const progress: ReplayProgress = { phase: 'waiting', events: 0, done: 0 };
    const begun = { hasBegun: false, startedAt: performance.now(), progress, eventsPerSecond: 0 };
    const running: RunningReplay = { view, verify, wishes: [wish], ...begun };
    this.running.add(running);
    this.queue = this.queue.then(() => this.run(running));
  }

  private waiting(view: View, verify: boolean): RunningReplay | undefined {
    return [...this.running].find((one) => one.view === view && one.verify === verify && !one.hasBegun);
  }

  private refuseCrowd(id: string, waiting: RunningReplay | undefined): void {
    if (!waiting || waiting.wishes.length < MOST_WISHES || idsOf(waiting).includes(id)) return;
    const { name } = waiting.view;
    throw new DomainError('UNAVAILABLE', `Many wait for the same replay of ${name}; try again once it runs.`);
  }

  private async run(running: RunningReplay): Promise<void> {
    const { view, verify } = running;
    const { client, dataSource } = this.store;
    const onProgress = (progress: ReplayProgress) => {
      running.progress = progress;
      const seconds = (performance.now() - running.startedAt) / 1_000;
      if (progress.phase === 'building') running.eventsPerSecond = Math.round(progress.events / seconds);
    };
    const onSwap = (connection: Tables, result: Replayed) => this.write(connection, running, result);
    const order = { view, verify, signal: this.stopping.signal, onProgress, onSwap };
    try {
      await refuseLost(dataSource, view);
      // It goes no further than the live view, and would be over before that one is filled.
      await this.store.waitUntilCaughtUp(view, this.stopping.signal);
      running.startedAt = performance.now();
      running.hasBegun = true;
      const result = await this.inTurn(() => replay({ client, dataSource, log: logger }, order));
      this.report(running, result);
      await this.end(running, result);
    } catch (error) {
      logger.error(error, `replay of ${view.name}`);
      await this.end(running, error instanceof DomainError ? error.message : 'It failed; the log says why.');
    }
  }

  /** Another replica that is at work with the same view goes first. */
  private async inTurn(work: () => Promise<Replayed>): Promise<Replayed> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof DomainError) || error.code !== 'INVALID_STATE') throw error;
        await wait(SAVE_EVERY_MS, undefined, { signal: this.stopping.signal });
      }
    }
  }

  private report({ view, verify }: RunningReplay, { drift, parked }: Replayed): void {
    const { rows: _rows, ...counts } = drift;
    const line = { view: view.name, verify, parked, ...counts };
    if (driftCount(drift) > 0) logger.error(line, 'the view had drifted from its events');
    else logger.info(line, 'the view is as its events say');
  }

  private saveProgress(): Promise<void> {
    this.saving ??= saveProgress(this.store.dataSource, this.running).finally(() => (this.saving = undefined));
    return this.saving;
  }

  /** The database or the event store may be away for a moment just then. */
  private async end(running: RunningReplay, outcome: Replayed | string): Promise<void> {
    const { view, wishes } = running;
    running.hasBegun = true;
    for (let attempt = 1; attempt <= FINAL_SAVES; attempt++) {
      try {
        await this.write(this.store.dataSource, running, outcome);
        for (const { id, context } of wishes) await this.tellEnd({ id, view: view.name }, context);
        break;
      } catch (error) {
        logger.warn(`the end of the replay of ${view.name} could not be written: ${String(error)}`);
        if (this.stopping.signal.aborted) break;
        await wait(SAVE_EVERY_MS);
      }
    }
    this.running.delete(running);
  }

  /** A replay that has swapped said so in the same transaction: whatever became of its process, it is done. */
  private async write(tables: Tables, running: RunningReplay, outcome: Replayed | string): Promise<void> {
    const { view, progress, eventsPerSecond } = running;
    const { drift = null, parked = 0 } = typeof outcome === 'string' ? {} : outcome;
    const result = drift ? ['done', JSON.stringify(drift), parked, null] : ['failed', null, 0, outcome];
    await tables.query(
      `update view_replays set state = $5, drift = $6, parked = $7, error = $8, events = $3, events_per_second = $4,
         phase = 'over', seconds_left = null, finished_at = now()
       where id = any($1) and "view" = $2 and (state = 'running' or state = 'failed' and $5 = 'done')`,
      [idsOf(running), view.name, progress.events, eventsPerSecond, ...result],
    );
  }

  /** Says in an event how a replay has ended that says so in its row. */
  private async tellEnd({ id, view }: Named, context: Context): Promise<void> {
    const [row] = await this.store.dataSource.query<[{ state: 'done' | 'failed'; drift: Drift | null }]>(
      'select state, drift from view_replays where id = $1 and "view" = $2',
      [id, view],
    );
    const differing = row.drift ? driftCount(row.drift) : 0;
    const command = { type: 'EndViewReplay' as const, outcome: row.state, differing, at: new Date().toISOString() };
    const now = { ...context, deadline: Date.now() + RECORD_MS };
    await this.handle({ id: uuidV5(id, view), command, context: now });
    await this.store.dataSource.query('update view_replays set told = true where id = $1 and "view" = $2', [id, view]);
  }

  /** Of those, too, whose process had no time for it. */
  private async tellEnds(): Promise<void> {
    const ended = `select id, "view" from view_replays where state <> 'running' and not told`;
    const rows = await this.store.dataSource.query<Named[]>(ended);
    for (const row of rows) await this.tellEnd(row, await this.contextOf(row));
  }

  /** It ends in the project in which it began. */
  private async contextOf({ id, view }: Named): Promise<Context> {
    const { events } = await readStream(this.store.client, `view_replay-${uuidV5(id, view)}`, undefined, 1);
    const { request_id, ...tenant } = events[0]?.metadata ?? { request_id: id, ...defaultTenant };
    return { ...systemContext(tenant, replaying), request_id };
  }

  /** While the database was away nobody could be heard: neither we, nor, just after its start, other replicas. */
  async list({ id }: { id?: string }): Promise<ViewReplay[]> {
    await this.saveProgress();
    const [, silent] = await this.store.dataSource.query<[unknown, number]>(
      `update view_replays set state = 'failed', phase = 'over', finished_at = now(), seconds_left = null,
         error = 'The service ended before the replay did; nothing was changed.'
       where state = 'running'
         and greatest(seen_at, pg_postmaster_start_time()) < now() - interval '${SILENT_SECONDS} seconds'
         and pg_try_advisory_xact_lock(${replayLock('"view"')})`,
    );
    if (silent > 0) void this.tellEnds().catch((error: unknown) => logger.warn(`ends of replays: ${String(error)}`));
    return this.store.dataSource.query<ViewReplay[]>(
      `select id, $2 as service, "view", verify, state, phase, events, events_per_second, seconds_left, drift, parked, error,
         ${textOf('started_at')}, ${textOf('finished_at')}
       from view_replays where $1::uuid is null or id = $1::uuid order by view_replays.started_at desc, "view" limit ${SHOWN}`,
      [id ?? null, this.service],
    );
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.saver);
    this.stopping.abort(new DomainError('UNAVAILABLE', 'The service was stopped; nothing was changed.'));
    await this.queue;
  }
}

const replaying = { id: 'replay', name: 'replay' };

const textOf = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;
