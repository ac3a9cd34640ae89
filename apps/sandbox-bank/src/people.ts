import { createHash } from 'node:crypto';

export type ProviderName = 'plaid' | 'teller';

export interface Institution {
  plaidId: string;
  tellerId: string;
  name: string;
}

export const institutions: readonly Institution[] = [
  { plaidId: 'ins_109508', tellerId: 'first_platypus_bank', name: 'First Platypus Bank' },
  { plaidId: 'ins_109511', tellerId: 'tartan_bank', name: 'Tartan Bank' },
  { plaidId: 'ins_109512', tellerId: 'houndstooth_bank', name: 'Houndstooth Bank' },
];

export const institutionIdFor = (provider: ProviderName, institution: Institution): string =>
  provider === 'plaid' ? institution.plaidId : institution.tellerId;

/** Finds an institution by the id of either provider. */
export function findInstitution(id: string): Institution | undefined {
  return institutions.find((institution) => institution.plaidId === id || institution.tellerId === id);
}

/** What happens when a person signs in; everybody's password is the same. */
const people: Record<string, 'works' | 'asks_code' | 'locked' | 'down_once'> = {
  user_good: 'works',
  user_other: 'works',
  user_mfa: 'asks_code',
  user_locked: 'locked',
  user_down: 'down_once',
};
const PASSWORD = 'pass_good';
const CODE = '1234';

/** An error as Plaid's Link reports it; the dialog shows `display_message`. */
export interface SignInError {
  error_type: string;
  error_code: string;
  error_message: string;
  display_message: string;
}

const itemError = (code: string, type: string, message: string): SignInError => ({
  error_type: type,
  error_code: code,
  error_message: message,
  display_message: message,
});

export const signInErrors = {
  credentials: itemError('INVALID_CREDENTIALS', 'ITEM_ERROR', 'That username or password is not right.'),
  code: itemError('INVALID_MFA', 'ITEM_ERROR', 'That code is not right.'),
  locked: itemError('ITEM_LOCKED', 'ITEM_ERROR', 'The bank has locked this login. Unlock it with the bank first.'),
  down: itemError('INSTITUTION_DOWN', 'INSTITUTION_ERROR', 'The bank is not answering right now. Please try again.'),
} as const;

export type SignInOutcome = 'welcome' | 'code_needed' | keyof typeof signInErrors;

export interface SignInAttempt {
  username: string;
  password: string;
  /** Absent until the dialog has asked for it. */
  code?: string | undefined;
  /** Whether this visitor has already found this institution down. */
  foundDownBefore: boolean;
}

/** The bank's answer to a sign-in. */
export function signIn(attempt: SignInAttempt): SignInOutcome {
  const kind = Object.hasOwn(people, attempt.username) ? people[attempt.username] : undefined;
  if (!kind || attempt.password !== PASSWORD) return 'credentials';
  if (kind === 'locked') return 'locked';
  if (kind === 'down_once') return attempt.foundDownBefore ? 'welcome' : 'down';
  if (kind === 'works' || attempt.code === CODE) return 'welcome';
  return attempt.code === undefined ? 'code_needed' : 'code';
}

export interface Account {
  id: string;
  name: string;
  mask: string;
  subtype: 'checking' | 'savings';
}

/**
 * The accounts an item sees. They follow from the item, the institution and the person alone, so another person's sign-in
 * shows other accounts, and the first person's next sign-in shows the first accounts again.
 */
export function accountsOf(item: { id: string; institution: Institution; person: string }): Account[] {
  return (['checking', 'savings'] as const).map((subtype) => {
    const holder = digest(item.institution.name, item.person, subtype);
    return {
      id: `acc_${digest(item.id, holder).slice(0, 24)}`,
      name: subtype === 'checking' ? 'Everyday Checking' : 'Rainy Day Savings',
      mask: String(parseInt(holder.slice(0, 8), 16) % 10000).padStart(4, '0'),
      subtype,
    };
  });
}

const digest = (...parts: string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex');
