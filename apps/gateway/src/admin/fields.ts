import { z } from 'zod';
import { name, text } from '#contracts/api/fields.js';

/** Fields of the forms. A message is what follows the field's name. */
export const email = name(254)
  .transform((value) => value.toLowerCase())
  .refine((value) => /^[^\s@]+@[^\s@]+$/.test(value), 'must be an e-mail address');

const MOST = 200;
const LEAST = 12;

/** One that is chosen now. Length is what makes a password hard to guess. */
export const newPassword = text(MOST).refine(
  (value) => [...value].length >= LEAST,
  `must have at least ${LEAST} characters`,
);

/** One that was chosen before. */
export const password = text(MOST);

export const role = z.enum(['administrator', 'viewer'], { error: 'must be administrator or viewer' });
