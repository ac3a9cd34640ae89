import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AsOf, Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { idOf, parseId, shortIdOf } from '#contracts/ids.js';
import type { KeyCommand, KeyEvent, KeyTerms, KeyView, RefusedUses } from '#contracts/key.js';
import type { Ask } from '#contracts/subjects.js';
import { ownOf } from '#contracts/tenancy.js';
import { readStreamAsOf, type StreamAsOf } from '#eventstore/as-of.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { project } from '#eventstore/projection.js';
import { readFacts } from '#eventstore/read-stream.js';
import { Semaphore } from '#service/semaphore.js';
import { Store } from '#service/store.js';
import { Gateways } from './gateways.js';
import { KeyFolds } from './key-folds.js';
import { KeyQueries } from './key-queries.js';
import { KnownKeys } from './known-keys.js';
import { apiKey, ROTATED_ALREADY } from './key.decider.js';
import { isLastingAdmin, keyAt, keyProjection } from './key.view.js';
import { refusalContext } from './refusal-context.js';

/** Each holds a connection of the pool while it waits for its turn, and asks the pool for more. */
const MOST_IN_TURN = 2;

/** Commands to keys and the truth about one, from its own stream. */
@Injectable()
export class Keys {
  private readonly handle;
  private readonly inTurn = new Semaphore(MOST_IN_TURN);

  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly queries: KeyQueries,
    private readonly known: KnownKeys,
    private readonly gateways: Gateways,
    private readonly folds: KeyFolds,
  ) {
    this.handle = commandHandler(store.client, 'api_key', apiKey);
  }

  async create(context: Context, terms: KeyTerms, at = now()): Promise<Written<KeyView>> {
    await this.known.begin(terms.id);
    const written = await this.command(terms.id, { type: 'CreateKey', terms, now: at }, context);
    await this.queries.listed(written.position);
    return written;
  }

  async rename(context: Context, id: string, name: string): Promise<Written<KeyView>> {
    const key = await this.ownedBy(context.tenant, id);
    return this.told(await this.command(key.id, { type: 'RenameKey', name, now: now() }, context));
  }

  /** Once this has answered, no gateway accepts the key. Also after an earlier try of which nobody knows how it ended. */
  async revoke(context: Context, id: string): Promise<Written<KeyView>> {
    const key = await this.ownedBy(context.tenant, id);
    const revoke = () => this.command(key.id, { type: 'RevokeKey', now: now() }, context);
    return this.told(revokesItself(key, context) ? await this.unlessLast(key, revoke) : await revoke());
  }

  /**
   * What is written to the old key decides, together with every other command to it, and names the successor with all
   * its terms. That one exists then sooner or later, whoever dies on the way: by this call, by its repetition, or by the
   * sweep. That its id is free is asked before anything is written.
   */
  async rotate(
    context: Context,
    { id, successor, grace_seconds }: Omit<Ask<'key.rotate'>, 'context' | 'after'>,
  ): Promise<Written<KeyView>> {
    const key = await this.ownedBy(context.tenant, id);
    // The successor is a key of the household, with all that this one may do.
    if (key.kind !== 'household') throw new DomainError('NOT_FOUND', 'API key not found');
    const [taken] = await this.read(successor.id);
    if (taken?.type === 'KeyCreated' && taken.key_hash !== successor.key_hash) throw new DomainError('ID_TAKEN');
    const { name: created_by } = context.actor;
    const command: KeyCommand = { type: 'RotateKey', successor, created_by, grace_seconds, now: now() };
    const rotated = await this.command(key.id, command, context);
    // The same command with another key: its text would be shown beside a successor that it does not open.
    if (rotated.view.successor_id !== successor.id) throw new DomainError('INVALID_STATE', ROTATED_ALREADY);
    const [created] = await Promise.all([this.createSuccessor(key.id, context), this.told(rotated)]);
    return created;
  }

  /** Free of effects when it is there. Whoever does it writes the same: nothing in it comes from this moment. */
  async createSuccessor(id: string, context: Context): Promise<Written<KeyView>> {
    const rotated = (await this.read(id)).find((event) => event.type === 'KeyRotated');
    if (!rotated) throw new Error(`the key ${id} was not rotated`);
    return this.create(context, rotated.successor, rotated.at);
  }

  /** What strangers tried with keys is a fact of each key. Of most guesses nobody has heard. */
  async noteRefusals(all: RefusedUses[]): Promise<void> {
    const prefixes = all.flatMap(({ key }) => ('prefix' in key ? [key.prefix] : []));
    const ids = await this.queries.idsOfPrefixes(prefixes);
    for (const uses of all) {
      const id = 'id' in uses.key ? uses.key.id : ids.get(uses.key.prefix);
      if (id !== undefined) await this.noteRefusal(id, uses);
    }
  }

  private async noteRefusal(id: string, uses: RefusedUses): Promise<void> {
    const key = shown(await this.read(id));
    if (key === null) return;
    const { reason, count, first_at, last_at } = uses;
    await this.command(
      key.id,
      { type: 'NoteRefusals', reason, count, first_at, last_at, now: now() },
      refusalContext(key, uses),
    );
  }

  /** The keys of these hashes, each of which leads to its stream: true at this moment, also without Postgres. */
  async verify(hashes: string[]): Promise<(KeyView | null)[]> {
    const sought = hashes.map((hash) => ({ hash, id: idOf('api_key', shortIdOf(hash)) }));
    const candidates = await this.known.among(sought.map(({ id }) => id));
    return Promise.all(sought.map(async ({ hash, id }) => (candidates.has(id) ? this.withHash(id, hash) : null)));
  }

  private async withHash(id: string, hash: string): Promise<KeyView | null> {
    const key = await this.folds.read(id);
    return key.view && key.hash === hash ? keyAt(key.view, now()) : null;
  }

  /** Another tenant's key does not exist. */
  async ownedBy(tenant: Tenant, id: string): Promise<KeyView> {
    const uuid = parseId('api_key', id);
    const key = uuid === null ? null : shown(await this.read(uuid));
    return ownOf(tenant, key, 'API key');
  }

  /** As it was shown at that moment, apart from its last use. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<{ key: KeyView; time: string }> {
    const uuid = parseId('api_key', id);
    const { events, time }: StreamAsOf<KeyEvent> =
      uuid === null
        ? { events: [], time: '' }
        : await readStreamAsOf<KeyEvent>(this.store.client, `api_key-${uuid}`, moment);
    return { key: keyAt(ownOf(tenant, project(keyProjection, events), 'API key'), time), time };
  }

  private async command(id: string, command: KeyCommand, context: Context): Promise<Written<KeyView>> {
    const expectNew = command.type === 'CreateKey';
    const { events, position } = await this.handle({ id, command, context, expectNew });
    return { view: project(keyProjection, events)!, position };
  }

  /** A change counts once every gateway and the list know it. */
  private async told(written: Written<KeyView>): Promise<Written<KeyView>> {
    await Promise.all([this.gateways.tell(written.view), this.queries.listed(written.position)]);
    return written;
  }

  /** One at a time within a tenant, so that two last keys cannot each take the other for the one that stays. */
  private unlessLast<T>(key: KeyView, revoke: () => Promise<T>): Promise<T> {
    const alone = async (transaction: EntityManager) => {
      const tenant = `last admin key of ${key.project_id}/${key.environment}`;
      await transaction.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [tenant]);
      for (const { id } of await this.queries.otherAdminKeys(key, now())) {
        const other = shown(await this.read(id));
        if (other && isLastingAdmin(other, now())) return revoke();
      }
      throw new DomainError('LAST_ADMIN_KEY');
    };
    return this.inTurn.run(() => this.store.dataSource.transaction(alone));
  }

  private read(id: string): Promise<KeyEvent[]> {
    return readFacts<KeyEvent>(this.store.client, `api_key-${id}`);
  }
}

/** Only a key that may do everything can be the last one of its tenant. */
const revokesItself = (key: KeyView, { actor }: Context): boolean =>
  actor.type === 'api_key' &&
  actor.id === key.id &&
  key.kind === 'household' &&
  key.scopes.includes('full_access') &&
  key.revoked_at === null;

const shown = (events: KeyEvent[]): KeyView | null => {
  const key = project(keyProjection, events);
  return key && keyAt(key, now());
};

const now = (): string => new Date().toISOString();
