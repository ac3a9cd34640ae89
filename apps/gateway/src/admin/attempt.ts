import type { FastifyRequest } from 'fastify';
import { errors } from '#contracts/errors.js';
import { refusalOnPage, retryAfterOf } from '../error-answer.js';
import { renew } from '../request-context.js';

/** What a form shows above its fields when it was refused. */
export interface Problem {
  status: number;
  problem: string;
  retry_after: number | undefined;
}

/** Does what a form asks for; a refusal belongs on the form itself, beside what was typed. */
export async function attempted<T>(request: FastifyRequest, work: () => Promise<T>): Promise<{ done: T } | Problem> {
  try {
    return { done: await work() };
  } catch (error) {
    // What the form stands among is read afresh, also when what was refused has used up all the time there was.
    renew(request);
    const refusal = refusalOnPage(error, request);
    const { status } = errors[refusal.code];
    return { status, problem: inWords(refusal.message), retry_after: retryAfterOf(refusal) };
  }
}

/** `email must be an e-mail address` reads as `E-mail must be…`. */
const inWords = (message: string): string => {
  const names: Record<string, string> = {
    email: 'Email',
    password: 'Password',
    user_id: 'User',
    user_name: 'The name of the new user',
    expires_in_days: 'Expiry',
    expires_in_seconds: 'Expiry',
    origins: 'The list',
    connection_metadata: 'The metadata',
  };
  const [first = '', ...rest] = message.split(' ');
  const [, place] = /^origins\.(\d+)$/.exec(first) ?? [];
  const named = place === undefined ? (names[first] ?? first) : `Address ${Number(place) + 1}`;
  const text = [named, ...rest].join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
};
