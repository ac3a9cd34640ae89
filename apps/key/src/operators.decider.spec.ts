import { describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import type { OperatorsCommand, OperatorsEvent } from '#contracts/operator.js';
import { fold } from '#eventstore/decider.js';
import { byLink, operators } from './operators.decider.js';
import { signIn } from './sign-in.decider.js';

const now = '2026-01-01T12:00:00.000Z';
const later = '2026-01-02T12:00:00.000Z';
const ada = { operator_id: 'ada', email: 'ada@example.com' };
const bob = { operator_id: 'bob', email: 'bob@example.com' };
const link = { token_hash: 'hash', expires_at: later };

const setUp: OperatorsCommand = { type: 'SetUp', ...ada, password_id: 'p1', now };
const inviteBob = (role: 'administrator' | 'viewer'): OperatorsCommand => ({
  type: 'InviteOperator',
  ...bob,
  role,
  link,
  now,
});
const bobAccepts: OperatorsCommand = { type: 'UsePasswordLink', token_hash: 'hash', password_id: 'p2', now };

/** Everything that these commands bring about, one after the other. */
function after(...commands: OperatorsCommand[]): OperatorsEvent[] {
  const events: OperatorsEvent[] = [];
  for (const command of commands) events.push(...operators.decide(command, fold(operators, events)));
  return events;
}
const stateAfter = (...commands: OperatorsCommand[]) => fold(operators, after(...commands));
const typesOf = (events: OperatorsEvent[]) => events.map(({ type }) => type);
const refusal = (code: string) => expect.objectContaining({ code });

describe('the set-up', () => {
  it('makes the first administrator', () => {
    expect(stateAfter(setUp).operators).toMatchObject([{ ...ada, role: 'administrator', password_id: 'p1' }]);
  });

  it('works once, whoever is there or has gone since', () => {
    const events = after(setUp, inviteBob('administrator'), bobAccepts, {
      type: 'RemoveOperator',
      operator_id: 'ada',
      now,
    });
    for (const past of [after(setUp), events]) {
      expect(() => operators.decide({ ...setUp, operator_id: 'eve' }, fold(operators, past))).toThrow(refusal('GONE'));
    }
  });
});

describe('an invitation', () => {
  it('lets choose a password once, and then stands for nothing', () => {
    const state = stateAfter(setUp, inviteBob('viewer'));
    expect(byLink(state, 'hash', now)).toMatchObject(bob);
    expect(() => after(setUp, inviteBob('viewer'), bobAccepts, bobAccepts)).toThrow(refusal('GONE'));
  });

  it('is over when it is, and when a newer one was made', () => {
    expect(() => byLink(stateAfter(setUp, inviteBob('viewer')), 'hash', later)).toThrow(refusal('GONE'));
    const again: OperatorsCommand = {
      type: 'MakePasswordLink',
      operator_id: 'bob',
      link: { ...link, token_hash: 'other' },
      now,
    };
    expect(() => byLink(stateAfter(setUp, inviteBob('viewer'), again), 'hash', now)).toThrow(refusal('GONE'));
  });

  it('is refused for an address that an operator has', () => {
    expect(() => after(setUp, inviteBob('viewer'), { ...inviteBob('viewer'), operator_id: 'b2' } as never)).toThrow(
      refusal('EMAIL_CONFLICT'),
    );
  });
});

describe('the last administrator', () => {
  const leave = [
    { type: 'RemoveOperator', operator_id: 'ada', now },
    { type: 'ChangeRole', operator_id: 'ada', role: 'viewer', now },
  ] as const;

  it.each(leave)('stays: $type is refused', (command) => {
    expect(() => after(setUp, command)).toThrow(DomainError);
    expect(() => after(setUp, inviteBob('viewer'), bobAccepts, command)).toThrow(refusal('LAST_ADMINISTRATOR'));
  });

  it.each(leave)('is not replaced by one who was invited and never came: $type', (command) => {
    expect(() => after(setUp, inviteBob('administrator'), command)).toThrow(refusal('LAST_ADMINISTRATOR'));
  });

  it.each(leave)('may go once there is another: $type', (command) => {
    expect(after(setUp, inviteBob('administrator'), bobAccepts, command).at(-1)).toMatchObject(ada);
  });
});

describe('sessions', () => {
  const epochs = (...commands: OperatorsCommand[]) =>
    stateAfter(setUp, inviteBob('viewer'), bobAccepts, ...commands).operators.map(({ epoch }) => epoch);

  it.each([
    { type: 'ChangePassword', operator_id: 'bob', password_id: 'p3', replaces: 'p2', now },
    { type: 'ChangeRole', operator_id: 'bob', role: 'administrator', now },
    { type: 'EndSessions', operator_id: 'bob', now },
  ] as OperatorsCommand[])('of this operator alone end with $type', (command) => {
    expect(epochs(command)).toEqual([epochs()[0], epochs()[1]! + 1]);
  });

  it('go on when a link for a new password is made, and when a role is given that is there already', () => {
    expect(epochs({ type: 'MakePasswordLink', operator_id: 'bob', link, now })).toEqual(epochs());
    expect(epochs({ type: 'ChangeRole', operator_id: 'bob', role: 'viewer', now })).toEqual(epochs());
  });
});

it('a password is not changed by who has shown to know another one than the one that counts', () => {
  const change = (password_id: string): OperatorsCommand => ({
    type: 'ChangePassword',
    operator_id: 'ada',
    password_id,
    replaces: 'p1',
    now,
  });
  expect(stateAfter(setUp, change('p2')).operators).toMatchObject([{ password_id: 'p2' }]);
  expect(() => after(setUp, change('p2'), change('p3'))).toThrow(refusal('SIGN_IN_REFUSED'));
});

describe('an operator who is not there', () => {
  it.each(['MakePasswordLink', 'ChangePassword', 'ChangeRole', 'RemoveOperator', 'EndSessions'])(
    '%s is refused',
    (type) => {
      const command = { type, operator_id: 'eve', link, role: 'viewer', password_id: 'p', now } as OperatorsCommand;
      expect(() => after(setUp, command)).toThrow(refusal('NOT_FOUND'));
    },
  );
});

describe('what is written', () => {
  it('says of every step who it is about', () => {
    const events = after(setUp, inviteBob('viewer'), bobAccepts);
    expect(typesOf(events)).toEqual([
      'OperatorAdded',
      'OperatorPasswordSet',
      'OperatorAdded',
      'OperatorPasswordLinkMade',
      'OperatorPasswordSet',
    ]);
    expect(events.map(({ email }) => email)).toEqual([ada.email, ada.email, bob.email, bob.email, bob.email]);
  });
});

describe('a sign-in', () => {
  const whom = { operator_id: 'ada', email: 'ada@example.com', now };

  it('opens a session that ends once', () => {
    const [signedIn] = signIn.decide({ type: 'SignIn', ...whom }, 'none');
    expect(signedIn).toMatchObject({ type: 'SignedIn', operator_id: 'ada' });
    expect(signIn.decide({ type: 'SignOut', now }, signIn.evolve('none', signedIn!))).toEqual([
      { type: 'SignedOut', at: now },
    ]);
    expect(signIn.decide({ type: 'SignOut', now }, 'ended')).toEqual([]);
  });

  it('that was refused leaves a trace and no session', () => {
    const nobody = { operator_id: null, email: null };
    const tally = { count: 1, first_at: now, last_at: now };
    const [refused] = signIn.decide({ type: 'RefuseSignIn', ...nobody, ...tally, now }, 'none');
    expect(refused).toEqual({ type: 'SignInRefused', ...nobody, at: now });
    expect(signIn.decide({ type: 'SignOut', now }, signIn.evolve('none', refused!))).toEqual([]);
    expect(() => signIn.decide({ type: 'SignIn', ...whom }, 'refused')).toThrow(refusal('INVALID_STATE'));
  });

  it('that was refused with others says how many there were', () => {
    const tally = { count: 3, first_at: '2026-01-01T11:59:00.000Z', last_at: now };
    const refuse = { type: 'RefuseSignIn', operator_id: null, email: null, ...tally, now } as const;
    expect(signIn.decide(refuse, 'none')).toEqual([
      { type: 'SignInRefused', operator_id: null, email: null, ...tally, at: now },
    ]);
  });
});
