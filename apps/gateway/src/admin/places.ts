import { fastifyCookie } from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { defaultTenant, type Tenant } from '#contracts/envelope.js';
import type { ProjectView } from '#contracts/project.js';

const COOKIE = 'lk_place';

/** One project and environment at a time: the cookie remembers which. It names a place and grants nothing. */
export const placeCookie = (place: string, secure: boolean): string =>
  fastifyCookie.serialize(COOKIE, place, {
    httpOnly: true,
    sameSite: 'lax',
    path: '/admin',
    secure,
    maxAge: 365 * 86_400,
  });

export const placeOf = ({ project_id, environment }: Tenant): string => `${project_id}.${environment}`;

/** The tenant whose things are shown; the first project's live ones when the cookie names none that exists. */
export function tenantOf({ headers }: FastifyRequest, projects: ProjectView[]): Tenant {
  return tenantAt(fastifyCookie.parse(headers.cookie ?? '')[COOKIE], projects) ?? defaultTenant;
}

export function tenantAt(place: string | undefined, projects: ProjectView[]): Tenant | null {
  const [project_id, environment] = (place ?? '').split('.');
  const exists = projects.some(({ id }) => id === project_id);
  if (!exists || (environment !== 'live' && environment !== 'test')) return null;
  return { project_id: project_id!, environment };
}
