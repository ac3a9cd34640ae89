import type { FastifyRequest } from 'fastify';

/** What was done, told on the page that comes next. The address names the sentence and cannot bring one of its own. */
const notices: Record<string, string> = {
  'signed-out': 'You are signed out.',
  'signed-out-everywhere': 'You are signed out on every device.',
  'password-changed': 'The password was changed. Please sign in with the new one.',
  'key-revoked': 'The key was revoked. Nothing accepts it any more.',
  'link-cancelled': 'The link was cancelled. Whoever opens it is told that it is no longer valid.',
  'connection-revoked': 'The connection was ended and its credential destroyed.',
  'metadata-saved': 'The metadata was saved. Apps read it from now on.',
  'project-created': 'The project was created. The dashboard shows it now.',
  'project-changed': 'The project was changed. What it allows holds for links that are made from now on.',
  'operator-removed': 'The operator was removed and signed out everywhere.',
  'role-changed': 'The role was changed. The person has to sign in again.',
};

export function noticeOf(request: FastifyRequest): string | null {
  const { done } = request.query as { done?: unknown };
  return typeof done === 'string' && Object.hasOwn(notices, done) ? notices[done]! : null;
}
