import { DomainError } from '#contracts/errors.js';
import { userDeleted } from '#contracts/link-session.js';

export const goneWithUser = (): DomainError => new DomainError('GONE', userDeleted.message);
