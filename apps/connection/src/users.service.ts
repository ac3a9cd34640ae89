import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AsOf, Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { idOf, sha256, uuidV5 } from '#contracts/ids.js';
import { ownOf } from '#contracts/tenancy.js';
import type { EmailEvent, UserCommand, UserEvent, UserView } from '#contracts/user.js';
import { readStreamAsOf } from '#eventstore/as-of.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { fold } from '#eventstore/decider.js';
import { project } from '#eventstore/projection.js';
import { factsOf, readFacts, readStream } from '#eventstore/read-stream.js';
import { Semaphore } from '#service/semaphore.js';
import { Store } from '#service/store.js';
import { email } from './email.decider.js';
import { user } from './user.decider.js';
import { lockUser } from './user-lock.js';
import { userProjection } from './user.view.js';

/** Longer than any request lives, also where the clock of the event store is wrong by minutes. */
const UNUSED_MS = 10 * 60_000;
/** Each holds a connection to the database and asks over another one: together they must not hold them all. */
const MOST_ALONE = 4;

interface NewUser {
  short_id: string;
  name: string;
  email: string | null;
}

type Changes = Partial<Pick<NewUser, 'name' | 'email'>>;
type UserUpdate = Extract<UserCommand, { type: 'UpdateUser' }>;

/** Commands to users. An e-mail address is claimed in a stream of its own before the user gets it. */
@Injectable()
export class Users {
  private readonly handle;
  private readonly handleEmail;
  private readonly locked = new Semaphore(MOST_ALONE);

  constructor(private readonly store: Store) {
    this.handle = commandHandler(store.client, 'user', user);
    this.handleEmail = commandHandler(store.client, 'user_email', email);
  }

  async create(context: Context, wish: NewUser): Promise<Written<UserView>> {
    const id = idOf('user', wish.short_id);
    // A claim for an id that is somebody's already would keep the address from the next id that is tried.
    if (wish.email !== null && !(await this.find(id))) await this.claim(context, wish.email, id);
    const now = new Date().toISOString();
    return this.command(id, { type: 'CreateUser', id, ...wish, ...context.tenant, now }, context);
  }

  /** Addresses change one after the other: of two at once, one could give up the address that the other one keeps. */
  async update(context: Context, id: string, wish: Changes): Promise<Written<UserView>> {
    const update: UserUpdate = { type: 'UpdateUser', ...wish, now: new Date().toISOString() };
    const before = await this.read(context.tenant, id);
    if (wish.email === undefined) return this.command(id, update, context);
    return this.alone(id, async () => {
      if (Date.now() >= context.deadline) throw new DomainError('UNAVAILABLE');
      return this.updateAlone(context, await this.read(context.tenant, before.id), update);
    });
  }

  private async updateAlone(context: Context, before: UserView, update: UserUpdate): Promise<Written<UserView>> {
    if (update.email && update.email !== before.email) await this.claim(context, update.email, before.id);
    const written = await this.command(before.id, update, context);
    await this.releaseUnlessKept(context, before, written.view.email);
    return written;
  }

  /** Of a user whose texts were erased, and who may have been given the same address again meanwhile. */
  async releaseErased(context: Context, before: UserView): Promise<void> {
    if (before.email === null) return;
    await this.alone(before.id, async () => {
      const now = await this.find(before.id);
      await this.releaseUnlessKept(context, before, now?.email ?? null);
    });
  }

  /** Nobody else changes the address of the user or deletes them meanwhile, nor does an attempt of theirs begin to be finished. */
  alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const locked = async (db: EntityManager) => {
      await lockUser(db, id);
      return work();
    };
    return this.locked.run(() => this.store.dataSource.transaction(locked));
  }

  /** For whoever is `alone` with the user. */
  async delete(context: Context, id: string): Promise<string> {
    const before = await this.read(context.tenant, id);
    const command: UserCommand = { type: 'DeleteUser', now: new Date().toISOString() };
    const { position } = await this.handle({ id, command, context });
    await this.releaseUnlessKept(context, before, null);
    return position;
  }

  /** The truth from the user's own stream; another tenant's user does not exist. */
  async read(tenant: Tenant, id: string): Promise<UserView> {
    const view = await this.find(id);
    return ownOf(tenant, view, 'User');
  }

  /** As it was at that moment. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<UserView> {
    const view = await this.findPast(id, moment);
    return ownOf(tenant, view, 'User');
  }

  /** Whatever its tenant: for what names it. */
  async findPast(id: string, moment: AsOf): Promise<UserView | null> {
    const { events } = await readStreamAsOf<UserEvent>(this.store.client, `user-${id}`, moment);
    return project(userProjection, events);
  }

  /** Whatever its tenant. */
  async find(id: string): Promise<UserView | null> {
    return project(userProjection, await readFacts<UserEvent>(this.store.client, `user-${id}`));
  }

  private async command(id: string, command: UserCommand, context: Context): Promise<Written<UserView>> {
    const expectNew = command.type === 'CreateUser';
    const { events, position } = await this.handle({ id, command, context, expectNew });
    const view = project(userProjection, events);
    if (!view) throw new DomainError('NOT_FOUND', 'User not found');
    return { view, position };
  }

  /** Made anew also by a wish that comes again: its first claim may be old enough to be taken away. */
  private async claim(context: Context, address: string, user_id: string): Promise<void> {
    const id = addressId(context.tenant, address);
    const claim = { type: 'ClaimEmail', user_id } as const;
    const anew = { ...context, command_id: randomUUID() };
    try {
      await this.handleEmail({ id, command: claim, context: anew });
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'EMAIL_CONFLICT') throw error;
      const evict = await this.unusedClaim(id, address);
      await this.handleEmail({ id, command: { ...claim, evict }, context: anew });
    }
  }

  /**
   * The number of the last claim, if its maker died before it was used. A young one may be about to be used: who evicts it
   * lets two users have the address.
   */
  private async unusedClaim(id: string, address: string): Promise<number> {
    const { holder, claims, age } = await this.claimed(id);
    const held = holder !== null && (age < UNUSED_MS || (await this.has(holder, address)));
    if (held) throw new DomainError('EMAIL_CONFLICT');
    return claims;
  }

  private async claimed(id: string) {
    const { events } = await readStream<EmailEvent>(this.store.client, `user_email-${id}`);
    return { ...fold(email, factsOf(events)), age: Date.now() - (events.at(-1)?.created.getTime() ?? 0) };
  }

  private async has(id: string, address: string): Promise<boolean> {
    const found = await this.find(id);
    return !!found?.email && sameAddress(found.email, address);
  }

  /** The address is free for others, unless it is the one kept. */
  private async releaseUnlessKept(context: Context, before: UserView, kept: string | null): Promise<void> {
    if (before.email === null || (kept !== null && sameAddress(before.email, kept))) return;
    const id = addressId(context.tenant, before.email);
    await this.handleEmail({ id, command: { type: 'ReleaseEmail', user_id: before.id }, context });
  }
}

/** What two spellings of one address have in common. */
const plain = (address: string): string => address.toLowerCase().normalize('NFC');

const sameAddress = (a: string, b: string): boolean => plain(a) === plain(b);

/** The address itself stands in no stream's name. */
const addressId = ({ project_id, environment }: Tenant, address: string): string =>
  uuidV5('7d2f7a46-6d5c-5d5e-8a53-6f9a0d1a9c52', sha256(`${project_id}/${environment}/${plain(address)}`));
