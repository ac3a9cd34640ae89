import { DomainError } from '#contracts/errors.js';
import { type Kind, parseId } from '#contracts/ids.js';

const nouns: Record<Kind, string> = {
  link_session: 'Link session',
  connection: 'Connection',
  user: 'User',
  api_key: 'API key',
  agent_session: 'Session',
  connect_link: 'Connect Link',
};

/** The UUID a path means. What has not the shape of an id is as unknown as any id nobody has: 404. */
export function idInPath(kind: Kind, text: string): string {
  const id = parseId(kind, text);
  if (id === null) throw notFound(kind);
  return id;
}

export const notFound = (kind: Kind): DomainError => new DomainError('NOT_FOUND', `${nouns[kind]} not found`);

/** The UUID a field of a body or query means; absent stays absent. */
export function idInField<T extends string | undefined>(kind: Kind, field: string, text: T): T {
  if (text === undefined) return text;
  const id = parseId(kind, text);
  if (id === null) throw new DomainError('INVALID_PARAMETER', `${field} must be a UUID or a short_id`);
  return id as T;
}
