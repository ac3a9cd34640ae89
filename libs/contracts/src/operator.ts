/** Who works with the dashboard: an administrator changes things, a viewer looks at them. */
export type OperatorRole = 'administrator' | 'viewer';

/** How a password becomes its proof: argon2id with this salt (base64url) and these costs. */
export interface PasswordRecipe {
  salt: string;
  memory_kib: number;
  passes: number;
  lanes: number;
}

/** OWASP's first choice for argon2id. One hash takes 19 MiB and some 30 ms of one core, on a thread of its own. */
export const usualCosts = { memory_kib: 19_456, passes: 2, lanes: 1 };

/** What the key service learns of a password: how the edge has hashed it, and what came out (base64url). */
export interface NewPassword {
  recipe: PasswordRecipe;
  proof: string;
}

/** An address that lets whoever holds it choose this operator's password, once. Of its token only the hash is known. */
export interface PasswordLink {
  token_hash: string;
  expires_at: string;
}

interface Whom {
  operator_id: string;
  email: string;
}

export type OperatorsCommand =
  /** The first administrator, whoever holds the set-up code. Only before there is any. */
  | ({ type: 'SetUp'; password_id: string; now: string } & Whom)
  | ({ type: 'InviteOperator'; role: OperatorRole; link: PasswordLink; now: string } & Whom)
  | { type: 'MakePasswordLink'; operator_id: string; link: PasswordLink; now: string }
  | { type: 'UsePasswordLink'; token_hash: string; password_id: string; now: string }
  /** `replaces` is the one that was shown to be known. */
  | { type: 'ChangePassword'; operator_id: string; password_id: string; replaces: string | null; now: string }
  | { type: 'ChangeRole'; operator_id: string; role: OperatorRole; now: string }
  | { type: 'RemoveOperator'; operator_id: string; now: string }
  | { type: 'EndSessions'; operator_id: string; now: string };

/** `password_id` names a row beside the events: no event holds anything a password could be guessed from. */
export type OperatorsEvent =
  | ({ type: 'OperatorAdded'; role: OperatorRole; at: string } & Whom)
  | ({ type: 'OperatorPasswordLinkMade'; at: string } & Whom & PasswordLink)
  | ({ type: 'OperatorPasswordSet'; password_id: string; at: string } & Whom)
  | ({ type: 'OperatorRoleChanged'; role: OperatorRole; at: string } & Whom)
  | ({ type: 'OperatorRemoved'; at: string } & Whom)
  | ({ type: 'OperatorSessionsEnded'; at: string } & Whom);

/** All operators of the installation share this one stream: who is the last administrator is decided by one append. */
export const operatorsId = '4f9f0d5e-6b0c-5a53-9a0e-7f1f1f5f4b11';

/** So many alike, from the first to the last. */
interface Tally {
  count: number;
  first_at: string;
  last_at: string;
}

/** One attempt to sign in, and the session that began with it. */
export type SignInCommand =
  | { type: 'SignIn'; operator_id: string; email: string; now: string }
  | ({ type: 'RefuseSignIn'; operator_id: string | null; email: string | null; now: string } & Tally)
  | { type: 'SignOut'; now: string };

export type SignInEvent =
  | { type: 'SignedIn'; operator_id: string; email: string; at: string }
  /**
   * Of an address that belongs to nobody nothing is kept: people type passwords into the wrong field. Of such addresses several
   * can be meant, and then it says how many attempts there were.
   */
  | ({ type: 'SignInRefused'; operator_id: string | null; email: string | null; at: string } & Partial<Tally>)
  | { type: 'SignedOut'; at: string };

export interface OperatorView {
  id: string;
  email: string;
  role: OperatorRole;
  /** Invited until a password was chosen. */
  status: 'invited' | 'active';
  /** Of a link that has not been used. */
  link_expires_at: string | null;
  created_at: string;
}

/** Who holds a session cookie. */
export type SignedInOperator = Pick<OperatorView, 'id' | 'email' | 'role'>;

/** The longest that a link to choose a password is good for. */
export const INVITATION_SECONDS = 3 * 24 * 60 * 60;

/** A session ends this long after its last request, and in any case this long after it began. */
export const SESSION_IDLE_SECONDS = 2 * 60 * 60;
export const SESSION_SECONDS = 12 * 60 * 60;
