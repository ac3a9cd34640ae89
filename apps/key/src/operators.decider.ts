import { DomainError } from '#contracts/errors.js';
import type {
  OperatorRole,
  OperatorsCommand,
  OperatorsEvent,
  OperatorView,
  PasswordLink,
} from '#contracts/operator.js';
import type { Decider } from '#eventstore/decider.js';

export interface Operator {
  operator_id: string;
  email: string;
  role: OperatorRole;
  /** Null until a password was chosen. */
  password_id: string | null;
  link: PasswordLink | null;
  /** A session that began in an earlier epoch has ended. */
  epoch: number;
  created_at: string;
}

export interface OperatorsState {
  /** There has been an operator: the set-up is closed for good. */
  isSetUp: boolean;
  operators: readonly Operator[];
}

/** The rules of who may work with the dashboard. E-mail addresses come in lower case. */
export const operators: Decider<OperatorsState, OperatorsCommand, OperatorsEvent> = {
  initial: { isSetUp: false, operators: [] },

  decide(command, state) {
    const { now: at } = command;
    switch (command.type) {
      case 'SetUp': {
        if (state.isSetUp) throw new DomainError('GONE', 'Latchkey is set up already.');
        const { operator_id, email, password_id } = command;
        const whom = { operator_id, email };
        return [
          { type: 'OperatorAdded', ...whom, role: 'administrator', at },
          { type: 'OperatorPasswordSet', ...whom, password_id, at },
        ];
      }
      case 'InviteOperator': {
        const { operator_id, email, role, link } = command;
        if (byEmail(state, email)) throw new DomainError('EMAIL_CONFLICT', 'This person is an operator already.');
        return [
          { type: 'OperatorAdded', operator_id, email, role, at },
          { type: 'OperatorPasswordLinkMade', operator_id, email, ...link, at },
        ];
      }
      case 'MakePasswordLink':
        return [{ type: 'OperatorPasswordLinkMade', ...whomOf(state, command), ...command.link, at }];

      case 'UsePasswordLink': {
        const { operator_id, email } = byLink(state, command.token_hash, at);
        return [{ type: 'OperatorPasswordSet', operator_id, email, password_id: command.password_id, at }];
      }
      case 'ChangePassword':
        if (byId(state, command).password_id !== command.replaces) throw wrongPassword();
        return [{ type: 'OperatorPasswordSet', ...whomOf(state, command), password_id: command.password_id, at }];

      case 'ChangeRole': {
        if (byId(state, command).role === command.role) return [];
        if (command.role === 'viewer') refuseLast(state, command);
        return [{ type: 'OperatorRoleChanged', ...whomOf(state, command), role: command.role, at }];
      }
      case 'RemoveOperator':
        refuseLast(state, command);
        return [{ type: 'OperatorRemoved', ...whomOf(state, command), at }];

      case 'EndSessions':
        return [{ type: 'OperatorSessionsEnded', ...whomOf(state, command), at }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'OperatorAdded': {
        const { operator_id, email, role, at } = event;
        const added = { operator_id, email, role, password_id: null, link: null, epoch: 0, created_at: at };
        return { isSetUp: true, operators: [...state.operators, added] };
      }
      case 'OperatorPasswordLinkMade': {
        const { token_hash, expires_at } = event;
        return changed(state, event, () => ({ link: { token_hash, expires_at } }));
      }
      case 'OperatorPasswordSet':
        return changed(state, event, ({ epoch }) => ({ password_id: event.password_id, link: null, epoch: epoch + 1 }));
      case 'OperatorRoleChanged':
        return changed(state, event, ({ epoch }) => ({ role: event.role, epoch: epoch + 1 }));
      case 'OperatorSessionsEnded':
        return changed(state, event, ({ epoch }) => ({ epoch: epoch + 1 }));
      case 'OperatorRemoved':
        return { ...state, operators: state.operators.filter((one) => one.operator_id !== event.operator_id) };
    }
  },
};

export const byEmail = ({ operators }: OperatorsState, email: string): Operator | undefined =>
  operators.find((one) => one.email === email);

/** Whoever holds a link that was not used, is not over and has not been replaced. */
export function byLink({ operators }: OperatorsState, tokenHash: string, now: string): Operator {
  const found = operators.find(({ link }) => link?.token_hash === tokenHash);
  if (!found || found.link!.expires_at <= now) throw new DomainError('GONE', 'This link no longer works.');
  return found;
}

export function byId({ operators }: OperatorsState, { operator_id }: { operator_id: string }): Operator {
  const found = operators.find((one) => one.operator_id === operator_id);
  if (!found) throw new DomainError('NOT_FOUND', 'Operator not found');
  return found;
}

export const wrongPassword = () => new DomainError('SIGN_IN_REFUSED', 'The current password is not right.');

export const shownOperator = (one: Operator): OperatorView => ({
  id: one.operator_id,
  email: one.email,
  role: one.role,
  status: one.password_id === null ? 'invited' : 'active',
  link_expires_at: one.link?.expires_at ?? null,
  created_at: one.created_at,
});

function whomOf(state: OperatorsState, whom: { operator_id: string }) {
  const { operator_id, email } = byId(state, whom);
  return { operator_id, email };
}

/** Somebody who was invited and has no password yet does not count: nobody knows whether they will come. */
function refuseLast(state: OperatorsState, whom: { operator_id: string }): void {
  const lasting = state.operators.filter((one) => one.role === 'administrator' && one.password_id !== null);
  const { operator_id } = byId(state, whom);
  if (lasting.length === 1 && lasting[0]!.operator_id === operator_id) throw new DomainError('LAST_ADMINISTRATOR');
}

const changed = (
  state: OperatorsState,
  { operator_id }: { operator_id: string },
  change: (one: Operator) => Partial<Operator>,
): OperatorsState => ({
  ...state,
  operators: state.operators.map((one) => (one.operator_id === operator_id ? { ...one, ...change(one) } : one)),
});
