import type { Tenant } from './envelope.js';
import { DomainError } from './errors.js';

export const isOf = <T extends Tenant>({ project_id, environment }: Tenant, thing: T | null | undefined): thing is T =>
  thing?.project_id === project_id && thing.environment === environment;

/** The thing itself. Another tenant's does not exist: NOT_FOUND, as for what nobody has. */
export function ownOf<T extends Tenant>(tenant: Tenant, thing: T | null | undefined, name: string): T {
  if (isOf(tenant, thing)) return thing;
  throw new DomainError('NOT_FOUND', `${name} not found`);
}
