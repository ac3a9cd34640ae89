import type { Tenant } from './envelope.js';
import type { PersonalTextErased } from './personal-text.js';

export type UserCommand =
  | ({ type: 'CreateUser'; id: string; short_id: string; name: string; email: string | null; now: string } & Tenant)
  /** Fields that are absent stay as they are. */
  | { type: 'UpdateUser'; name?: string; email?: string | null; now: string }
  | { type: 'DeleteUser'; now: string };

export type UserEvent =
  | ({ type: 'UserCreated'; id: string; short_id: string; name: string; email: string | null; at: string } & Tenant)
  | { type: 'UserUpdated'; name: string; email: string | null; at: string }
  | { type: 'UserDeleted'; at: string }
  | PersonalTextErased;

/** Who holds an e-mail address within a project: a stream of its own, because addresses are unique. */
export type EmailCommand =
  /** `evict` is the number of a claim that nothing came of. */
  { type: 'ClaimEmail'; user_id: string; evict?: number } | { type: 'ReleaseEmail'; user_id: string };
export type EmailEvent = { type: 'EmailClaimed'; user_id: string } | { type: 'EmailReleased'; user_id: string };

export interface UserView extends Tenant {
  id: string;
  short_id: string;
  name: string;
  email: string | null;
  created_at: string;
  updated_at: string;
}
