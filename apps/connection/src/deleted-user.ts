import { DomainError } from '#contracts/errors.js';
import type { Refusal } from '#contracts/link-session.js';

/** Why a link ends whose user was deleted after it was made: a connection would belong to nobody. */
export const userDeleted: Refusal = {
  code: 'USER_DELETED',
  message: 'The user of this link was deleted.',
  is_final: true,
};

export const goneWithUser = (): DomainError => new DomainError('GONE', userDeleted.message);
