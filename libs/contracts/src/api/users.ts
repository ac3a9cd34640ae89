import { z } from 'zod';
import type { UserView } from '../user.js';
import { cursor, limit, name, optional, page, shortId, time, uuid } from './fields.js';

const EMAIL = /^[^\s@\0"<>()[\]\\,;:]+@[^\s@\0"<>()[\]\\,;:.]+(\.[^\s@\0"<>()[\]\\,;:.]+)*$/;

/** Trimmed, each letter in one spelling; empty means none. How the domain is compared is the user service's affair. */
const email = z
  .string()
  .transform((value) => value.trim().normalize('NFC'))
  .refine(
    (value) => value === '' || (value.length <= 254 && EMAIL.test(value) && !/\p{Cs}/u.test(value)),
    'must be an e-mail address',
  )
  .transform((value) => value || null)
  .meta({ format: 'email', maxLength: 254 });

export const createUserBody = z.object({ name: name(200), email: optional(email, null) }).meta({ id: 'CreateUser' });
export type CreateUserBody = z.output<typeof createUserBody>;

/** Here an e-mail of null takes the address away: there is no other way to say it. */
export const updateUserBody = z
  .object({ name: optional(name(200), undefined), email: email.nullable().optional() })
  .meta({
    id: 'UpdateUser',
    description: 'Fields that are absent stay as they are; `email: null` removes the address.',
  });
export type UpdateUserBody = z.output<typeof updateUserBody>;

export const user = z
  .object({
    id: uuid,
    short_id: shortId,
    name: z.string(),
    email: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'User' });
export type User = z.output<typeof user>;

export const userLogin = z
  .object({
    user_id: uuid,
    login: z
      .object({ email: z.string(), role: z.string(), created_at: time, last_sign_in_at: time.nullable() })
      .nullable()
      .describe('null: this user has no login.'),
  })
  .meta({ id: 'UserLogin' });

export const usersQuery = z.object({ limit: limit(200), cursor });
export type UsersQuery = z.output<typeof usersQuery>;
export const usersPage = page('users', user).meta({ id: 'UserPage' });

export const toUser = ({ id, short_id, name: called, email: address, created_at, updated_at }: UserView): User => ({
  id,
  short_id,
  name: called,
  email: address,
  created_at,
  updated_at,
});
