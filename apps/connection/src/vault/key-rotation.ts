import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import type { VaultStatus } from '#contracts/vault.js';
import { logger } from '#service/logger.js';
import { SettingsError } from '#service/settings-error.js';
import { opens, type EncryptionContext, rewrap, type Wrapped } from './envelope-encryption.js';
import { type EpochCount, EpochCounts } from './epoch-counts.js';
import { KeyRing } from './key-ring.js';
import { boundsOf, STRETCH, type Stretch, stretchAfter } from './vault-stretch.js';

const AT_ONCE = 200;
/** A start waits no longer than this for a count. */
const COUNT_MS = 10_000;
const LOOK_EVERY_MS = 60_000;
const RETRY_MS = 2_000;

type Row = EncryptionContext & Wrapped;

const named = (counts: EpochCount[]): string =>
  counts.map(({ epoch, entries }) => `epoch ${epoch} (${entries} credentials)`).join(', ');

/**
 * Brings every data key under the current epoch, in the background and beside all other work: a row moves only if its
 * key is still the one that was read, so what is destroyed or replaced meanwhile stays so. Where it stands is in the rows
 * themselves; after a crash it goes on from there, and replicas at the same work do no harm.
 */
@Injectable()
export class KeyRotation implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failure: string | null = null;
  private readonly counts;

  constructor(
    private readonly keks: KeyRing,
    private readonly dataSource: DataSource,
  ) {
    this.counts = new EpochCounts(dataSource, this.stopping.signal);
  }

  /** Credentials that nobody could open are no way to begin. */
  async onApplicationBootstrap(): Promise<void> {
    const { missing, shut } = await this.lookAtStart();
    if (missing.length > 0) {
      throw new SettingsError(
        `VAULT_KEK: the vault still needs the key of ${named(missing)}; put it back and rotate first`,
      );
    }
    const current = shut.filter(({ epoch }) => epoch === this.keks.current());
    if (current.length > 0)
      throw new SettingsError(`VAULT_KEK: ${OTHER_KEY} of ${named(current)} are under; ${PUT_BACK}`);
    // What a rotation has left behind is what does not open, whatever the key.
    if (shut.length > 0) logger.warn(`the vault's keys open none of the credentials looked at of ${named(shut)}`);
    this.timer = setInterval(() => this.start(), LOOK_EVERY_MS).unref();
    this.start();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.running;
  }

  /** Keys that were added to the file count from now on. */
  takeIn(): void {
    try {
      this.keks.reload();
    } catch (cause) {
      logger.error(cause, 'the key-encryption keys could not be read again');
      throw new DomainError('VAULT_UNAVAILABLE', UNREADABLE, undefined, { cause });
    }
  }

  /** Begins, unless it is at work already. */
  start(): void {
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  async status(): Promise<VaultStatus> {
    const current_epoch = this.keks.current();
    const counts = new Map((await this.counts.lately()).map(({ epoch, entries }) => [epoch, entries]));
    const known = this.keks.epochs();
    const epochs = [...new Set([...known, ...counts.keys()])].sort((a, b) => a - b);
    const rows = epochs.map((epoch) => ({ epoch, entries: counts.get(epoch) ?? 0, has_key: known.includes(epoch) }));
    const remaining = rows.reduce((sum, { epoch, entries }) => sum + (epoch === current_epoch ? 0 : entries), 0);
    return { current_epoch, epochs: rows, remaining, last_error: this.failure };
  }

  /** A vault too large to be counted in time, or a database with too much to do, is no reason not to begin. */
  private async lookAtStart(): Promise<{ missing: EpochCount[]; shut: EpochCount[] }> {
    try {
      const counts = await this.counts.count(COUNT_MS);
      const known = new Set(this.keks.epochs());
      const [missing, there] = [counts.filter((c) => !known.has(c.epoch)), counts.filter((c) => known.has(c.epoch))];
      const open = await Promise.all(there.map((count) => this.opensAny(count)));
      return { missing, shut: there.filter((_, index) => !open[index]) };
    } catch (error) {
      logger.warn({ error: String(error) }, 'whether the keys of the vault are the right ones is not known');
      return { missing: [], shut: [] };
    }
  }

  /** Of several: a single row that somebody has changed says nothing about the key. */
  private async opensAny({ epoch, met }: EpochCount): Promise<boolean> {
    const rows = await this.dataSource.query<Row[]>(SOME, [...boundsOf(met), epoch]);
    const open = await Promise.all(rows.map((row) => opens(this.keks, row, row)));
    return rows.length === 0 || open.includes(true);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        this.failure = await this.moveAll();
        return;
      } catch (error) {
        this.failure = error instanceof Error ? error.message : String(error);
        logger.warn({ error: this.failure }, 'wrapping data keys anew failed; again in two seconds');
        await wait(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /**
   * Once through the table, if there is an epoch to move from; a key that does not open is left where it is, and named in
   * the answer.
   */
  private async moveAll(): Promise<string | null> {
    const from = this.keks.epochs().filter((epoch) => epoch !== this.keks.current());
    if (from.length === 0) return null;
    const stuck: Row[] = [];
    let found = 0;
    let stretch: Stretch = { after: null, upTo: null };
    do {
      stretch = await stretchAfter(this.dataSource, stretch.upTo);
      const rows = await this.dataSource.query<Row[]>(OLD, [...boundsOf(stretch), from]);
      found += rows.length;
      while (rows.length > 0 && !this.stopping.signal.aborted)
        stuck.push(...(await this.move(rows.splice(0, AT_ONCE))));
    } while (stretch.upTo && !this.stopping.signal.aborted);
    if (found > 0) this.counts.forget();
    const [first] = stuck;
    return first ? `${stuck.length} data keys do not open, first that of connection ${first.connection_id}` : null;
  }

  /** Answers with those that do not open. */
  private async move(rows: Row[]): Promise<Row[]> {
    const moved = await Promise.all(rows.map((row) => this.rewrapped(row)));
    const texts = moved.filter((text) => text !== null);
    await this.dataSource.query(MOVE, [JSON.stringify(texts)]);
    logger.info({ moved: texts.length, epoch: this.keks.current() }, 'data keys were wrapped under the current epoch');
    return rows.filter((_, index) => moved[index] === null);
  }

  private async rewrapped(row: Row) {
    try {
      return movedRow(row, await rewrap(this.keks, row, row));
    } catch (error) {
      logger.error(error, `a data key of connection ${row.connection_id} does not open`);
      return null;
    }
  }
}

const UNREADABLE = 'The key-encryption keys cannot be read as they are now; the log says why. Nothing was changed.';

const OTHER_KEY = 'the key given is not the one that the credentials';
const PUT_BACK = 'put back the key, or the file, that was there before. Nothing was changed.';

const ROW = 'connection_id, field, version, project_id, environment, epoch, wrapped_key';

const SOME = `select ${ROW} from ${STRETCH} v where epoch = $7 limit 20`;

const OLD = `select ${ROW} from ${STRETCH} v where epoch = any($7)`;

const MOVE = `update vault_entries v set epoch = m.epoch, wrapped_key = decode(m.wrapped_key, 'hex')
  from jsonb_to_recordset($1::jsonb)
    as m (connection_id uuid, field text, version int, epoch int, wrapped_key text, was text)
  where v.connection_id = m.connection_id and v.field = m.field and v.version = m.version
    and v.wrapped_key = decode(m.was, 'hex')`;

const movedRow = (row: Row, to: Wrapped) => ({
  connection_id: row.connection_id,
  field: row.field,
  version: row.version,
  epoch: to.epoch,
  wrapped_key: to.wrapped_key.toString('hex'),
  was: row.wrapped_key.toString('hex'),
});
