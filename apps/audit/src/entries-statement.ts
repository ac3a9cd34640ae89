import type { AuditNarrowing } from '#contracts/audit.js';
import type { Position, Tenant } from '#contracts/envelope.js';
import { type Kind, parseAgentSessionId, parseId, parsePlatformConnectionId, sha256 } from '#contracts/ids.js';
import { parameters, type Placeholder, type Statement } from '#service/statement.js';
import { fromBound, toBound } from './timeline-bounds.js';

const KINDS: Kind[] = ['link_session', 'connection', 'user', 'api_key', 'agent_session', 'connect_link'];

export interface Selection {
  tenant: Tenant;
  filter: AuditNarrowing;
  /** Positions between which the entries stand; the last one may be theirs. */
  after?: Position | undefined;
  before?: Position | undefined;
  upTo?: Position | undefined;
}

export interface Wanted extends Selection {
  order: 'asc' | 'desc';
  limit: number;
}

/**
 * A page of entries. Whatever is asked for, an index holds it in that order, so that a page costs the same however many
 * entries there are, whoever else has been busy since. What may be found under several ids is looked for under each of them.
 */
export function entriesStatement({ order, limit, ...selection }: Wanted): Statement {
  const { values, value } = parameters();
  const alternatives = alternativesOf(selection, value);
  const end = `order by position ${order} limit ${value(limit)}`;
  const parts = alternatives.map((terms) => `(select * from audit_entries where ${terms} ${end})`);
  const text = parts.length === 1 ? parts[0]! : `select * from (${parts.join(' union all ')}) e ${end}`;
  // Each set of filters is a text of its own, and the rarer ones are too many to be kept.
  const isCommon = Object.values(selection.filter).filter((one) => one !== undefined).length <= 1;
  return { name: isCommon ? `entries_${sha256(text).slice(0, 16)}` : undefined, text, values };
}

/** All of a selection, for who only wants to know how large it is. */
export function selectionStatement(selection: Selection): Omit<Statement, 'name'> {
  const { values, value } = parameters();
  const text = alternativesOf(selection, value).map((terms) => `select from audit_entries where ${terms}`);
  return { text: text.join(' union all '), values };
}

/** Conditions that no entry meets twice. */
function alternativesOf(selection: Selection, value: Placeholder): string[] {
  const { subject, actor } = selection.filter;
  const common = termsOf(selection, value);
  const subjects = subject === undefined ? [[]] : idsOf(subject).map((id) => [`subject_id = ${value(id)}`]);
  const actors = actor === undefined ? [[]] : actorTerms(value(actor));
  return subjects.flatMap((one) => actors.map((other) => [...common, ...one, ...other].join(' and ')));
}

const actorTerms = (actor: string): string[][] => [
  [`actor_id = ${actor}`],
  [`actor_name = ${actor}`, `actor_id <> ${actor}`],
];

function termsOf({ tenant, filter, after, before, upTo }: Selection, value: Placeholder): string[] {
  const { type, request_id, from, to } = filter;
  const ofTenant = [`project_id = ${value(tenant.project_id)}`, `environment = ${value(tenant.environment)}`];
  return [
    ...ofTenant,
    type !== undefined && `type = ${value(type)}`,
    request_id !== undefined && `request_id = ${value(request_id)}`,
    ...(from === undefined ? [] : fromBound(from, ofTenant, value)),
    ...(to === undefined ? [] : toBound(to, ofTenant, value)),
    after !== undefined && `position > ${value(after)}`,
    before !== undefined && `position < ${value(before)}`,
    upTo !== undefined && `position <= ${value(upTo)}`,
  ].filter((term) => typeof term === 'string');
}

/**
 * Every id a subject may have when somebody calls it so. A short_id leads to one UUID per kind of thing, so no index
 * over short_ids is needed; other ids, such as a project's, are their own.
 */
function idsOf(text: string): string[] {
  const platform = parsePlatformConnectionId(text) ?? parseAgentSessionId(text);
  const ids = platform === null ? [text, ...KINDS.map((kind) => parseId(kind, text))] : [platform];
  return [...new Set(ids)].filter((id) => id !== null);
}
