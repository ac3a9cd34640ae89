import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import {
  operatorsId,
  type OperatorsCommand,
  type OperatorsEvent,
  type OperatorView,
  type PasswordRecipe,
  type SignedInOperator,
} from '#contracts/operator.js';
import type { Ask } from '#contracts/subjects.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { fold } from '#eventstore/decider.js';
import { readFacts } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { OperatorPasswords } from './operator-passwords.js';
import { OperatorSessions } from './operator-sessions.js';
import {
  byEmail,
  byId,
  byLink,
  operators,
  type OperatorsState,
  shownOperator,
  wrongPassword,
} from './operators.decider.js';
import { RefusedSignIns } from './refused-sign-ins.js';
import { signIn } from './sign-in.decider.js';

/** Who works with the dashboard. Every answer comes from the operators' own stream: it is short, and true at this moment. */
@Injectable()
export class Operators {
  private readonly handle;
  private readonly handleSignIn;

  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly passwords: OperatorPasswords,
    private readonly sessions: OperatorSessions,
    private readonly refusals: RefusedSignIns,
  ) {
    this.handle = commandHandler(store.client, 'operators', operators);
    this.handleSignIn = commandHandler(store.client, 'sign_in', signIn);
  }

  async isSetUp(): Promise<boolean> {
    return (await this.state()).isSetUp;
  }

  async list(): Promise<OperatorView[]> {
    return (await this.state()).operators.map(shownOperator);
  }

  async setUp({ context, id, email, password }: Omit<Ask<'key.operator.setup'>, 'code_hash'>): Promise<OperatorView> {
    if (await this.isSetUp()) throw new DomainError('GONE', 'Latchkey is set up already.');
    const password_id = await this.passwords.keep(id, password);
    const setUp: OperatorsCommand = { type: 'SetUp', operator_id: id, email, password_id, now: now() };
    const state = await this.command(setUp, context);
    return shownOperator(byId(state, setUp));
  }

  async recipe(email: string): Promise<PasswordRecipe> {
    return this.passwords.recipe(byEmail(await this.state(), email)?.password_id ?? null);
  }

  /** Somebody unknown and a wrong password take the same way, and both leave their trace. */
  async signIn({ context, email, proof, token_hash }: Ask<'key.operator.sign-in'>): Promise<SignedInOperator> {
    const operator = byEmail(await this.state(), email) ?? null;
    const fits = await this.passwords.fits(operator?.password_id ?? null, proof);
    if (!operator || !fits) {
      this.refusals.note(context, operator);
      throw new DomainError('SIGN_IN_REFUSED');
    }
    const sign_in_id = randomUUID();
    const { operator_id, role, epoch } = operator;
    const by = { ...context, actor: { type: 'operator' as const, id: operator_id, name: operator.email } };
    const command = { type: 'SignIn', operator_id, email: operator.email, now: now() } as const;
    await this.handleSignIn({ id: sign_in_id, command, context: by, expectNew: true });
    await this.sessions.open(token_hash, { sign_in_id, operator_id, epoch });
    return { id: operator_id, email: operator.email, role };
  }

  async session({ token_hash, touch }: Ask<'key.operator.session'>): Promise<SignedInOperator | null> {
    const session = await this.sessions.find(token_hash, touch);
    if (!session) return null;
    const operator = (await this.state()).operators.find((one) => one.operator_id === session.operator_id);
    if (!operator || operator.epoch !== session.epoch) return null;
    return { id: operator.operator_id, email: operator.email, role: operator.role };
  }

  /**
   * An answer says that the session is over and its end recorded. The record comes first: what fails in between is done by
   * the next try, while a session that is gone could not be told of any more.
   */
  async signOut({ context, token_hash }: Ask<'key.operator.sign-out'>): Promise<void> {
    const session = await this.sessions.find(token_hash, false);
    if (session) await this.handleSignIn({ id: session.sign_in_id, command: { type: 'SignOut', now: now() }, context });
    await this.sessions.close(token_hash);
  }

  async endSessions(context: Context, operator_id: string): Promise<OperatorView> {
    return this.ending(operator_id, { type: 'EndSessions', operator_id, now: now() }, context);
  }

  async invite({ context, id, ...wish }: Ask<'key.operator.invite'>): Promise<OperatorView> {
    const command: OperatorsCommand = { type: 'InviteOperator', operator_id: id, ...wish, now: now() };
    return shownOperator(byId(await this.command(command, context), command));
  }

  async makeLink({ context, email, link }: Ask<'key.operator.password-link'>): Promise<OperatorView> {
    const operator = byEmail(await this.state(), email);
    if (!operator) throw new DomainError('NOT_FOUND', 'Operator not found');
    const { operator_id } = operator;
    const command: OperatorsCommand = { type: 'MakePasswordLink', operator_id, link, now: now() };
    return shownOperator(byId(await this.command(command, context), operator));
  }

  async byLink(tokenHash: string): Promise<OperatorView> {
    return shownOperator(byLink(await this.state(), tokenHash, now()));
  }

  async useLink({ context, token_hash, password }: Ask<'key.operator.use-link'>): Promise<OperatorView> {
    const { operator_id, email } = byLink(await this.state(), token_hash, now());
    const password_id = await this.passwords.keep(operator_id, password);
    const by = { ...context, actor: { type: 'operator' as const, id: operator_id, name: email } };
    return this.ending(operator_id, { type: 'UsePasswordLink', token_hash, password_id, now: now() }, by);
  }

  /** Needs the old password once more: a session alone, left open on a desk, must not be enough. */
  async changePassword(ask: Ask<'key.operator.change-password'>): Promise<OperatorView> {
    const { context, id: operator_id, proof, password } = ask;
    const { password_id: replaces } = byId(await this.state(), { operator_id });
    if (!(await this.passwords.fits(replaces, proof))) throw wrongPassword();
    const password_id = await this.passwords.keep(operator_id, password);
    return this.ending(
      operator_id,
      { type: 'ChangePassword', operator_id, password_id, replaces, now: now() },
      context,
    );
  }

  async changeRole({ context, id: operator_id, role }: Ask<'key.operator.change-role'>): Promise<OperatorView> {
    return this.ending(operator_id, { type: 'ChangeRole', operator_id, role, now: now() }, context);
  }

  async remove(context: Context, operator_id: string): Promise<void> {
    await this.command({ type: 'RemoveOperator', operator_id, now: now() }, context);
    await this.passwords.forgetAllOf(operator_id);
    await this.sessions.closeAllOf(operator_id);
  }

  /**
   * The event ends the sessions and replaces passwords; that the rows of both go is only tidiness. Where there was nothing to
   * change, no session ends, and neither does one that began since. A password that no event names stays: its event may be
   * on the way.
   */
  private async ending(operatorId: string, command: OperatorsCommand, context: Context): Promise<OperatorView> {
    const { events } = await this.handle({ id: operatorsId, command, context });
    const operator = byId(fold(operators, events), { operator_id: operatorId });
    const named = events.flatMap((event) => (event.type === 'OperatorPasswordSet' ? event.password_id : []));
    await this.passwords.forget(operatorId, named, operator.password_id);
    await this.sessions.closeBefore(operatorId, operator.epoch);
    return shownOperator(operator);
  }

  private async command(command: OperatorsCommand, context: Context): Promise<OperatorsState> {
    const { events } = await this.handle({ id: operatorsId, command, context });
    return fold(operators, events);
  }

  private async state(): Promise<OperatorsState> {
    return fold(operators, await readFacts<OperatorsEvent>(this.store.client, `operators-${operatorsId}`));
  }
}

const now = (): string => new Date().toISOString();
