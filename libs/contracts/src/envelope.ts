import { randomUUID } from 'node:crypto';

/** Every thing belongs to one project and environment; another tenant's thing does not exist. */
export interface Tenant {
  project_id: string;
  environment: 'live' | 'test';
}

/** The project that exists from the first start. */
export const defaultTenant: Tenant = { project_id: 'prj_default000000000', environment: 'live' };

export interface Actor {
  type: 'api_key' | 'person' | 'provider' | 'operator' | 'system';
  id: string;
  name: string;
}

/** Whoever has opened the link. */
export const personAtLink = (id: string): Actor => ({ type: 'person', id, name: 'the person at the link' });

/** Who asks, for whom, and until when: made at the edge, travels with every request on the bus. */
export interface Context {
  tenant: Tenant;
  actor: Actor;
  request_id: string;
  /** Names this wish: the same id again has no second effect. */
  command_id: string;
  /** It may have come before: what it brought about then is looked for first. */
  again?: boolean;
  /** The client's address, null when the system itself acts. */
  address: string | null;
  key_prefix: string | null;
  /**
   * Epoch milliseconds, by the clock of the process that holds it, after which the caller no longer waits; a service refuses
   * to append past it. The bus carries how long that still is.
   */
  deadline: number;
}

const SYSTEM_DEADLINE_MS = 4_000;

/** A new wish that no request from outside brought. */
export const newContext = ({ project_id, environment }: Tenant, actor: Actor, patienceMs: number): Context => ({
  tenant: { project_id, environment },
  actor,
  request_id: randomUUID(),
  command_id: randomUUID(),
  address: null,
  key_prefix: null,
  deadline: Date.now() + patienceMs,
});

/** What the system itself wishes, by that name. */
export const systemContext = (tenant: Tenant, actor: Omit<Actor, 'type'>): Context =>
  newContext(tenant, { type: 'system', ...actor }, SYSTEM_DEADLINE_MS);

/** What stands beside each event: who caused it, by which request. Never a secret. */
export interface EventMetadata extends Tenant {
  actor: Actor;
  request_id: string;
  correlation_id: string;
  causation_id: string;
  address: string | null;
  key_prefix: string | null;
}

export const metadataOf = (context: Context): EventMetadata => ({
  actor: context.actor,
  request_id: context.request_id,
  correlation_id: context.request_id,
  causation_id: context.command_id,
  address: context.address,
  key_prefix: context.key_prefix,
  ...context.tenant,
});

/** A position in the event store as text: compare two of them as BigInt, and do no sums with them. */
export type Position = string;

/** A moment that has passed: by the clock, or exactly, right after what stands at a position. */
export type AsOf = { time: string } | { position: Position };

/** The answer to a command: the thing as it is now, and the position a later read must have reached to see it. */
export interface Written<View> {
  view: View;
  position: Position;
}

/** How far into the event store the writes of this actor at this service have come. */
export interface LastWrite {
  actor_id: string;
  service: string;
  position: Position;
}

/** A page of a list, newest first. */
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}
