import { z } from 'zod';
import type { ProjectView } from '../project.js';
import { cursor, limit, name, optional, read, time } from './fields.js';
import { parseRedirectUrl } from './redirect-url.js';

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const MOST_SLUG = 48;
const MOST_ORIGINS = 50;
/** Of a host of 253 characters, which is as long as one can be, with its port. */
const LONGEST_ORIGIN = 'https://'.length + 253 + ':65535'.length;

const slug = z
  .string()
  .max(MOST_SLUG, `must be at most ${MOST_SLUG} characters`)
  .regex(SLUG, 'must be lower-case letters and digits, with single hyphens between them')
  .meta({ examples: ['web-shop'] });

export const createProjectBody = z
  .object({
    name: name(80),
    slug: optional(slug, null).describe(
      'Unique within the organization, and for ever. Made from the name when absent.',
    ),
  })
  .meta({ id: 'CreateProject' });
export type CreateProjectBody = z.output<typeof createProjectBody>;

export const renameProjectBody = z.object({ name: name(80) }).meta({ id: 'RenameProject' });
export type RenameProjectBody = z.output<typeof renameProjectBody>;

const origin = read(originOf, 'must be https://host[:port], or http on a loopback host, and nothing more').meta({
  examples: ['https://app.example'],
});

export const redirectOriginsBody = z
  .object({
    origins: z
      .array(origin)
      .max(MOST_ORIGINS, `must be at most ${MOST_ORIGINS} origins`)
      .transform((origins) => [...new Set(origins)])
      .describe('The whole list. Empty lets sessions redirect to wherever the installation allows.'),
  })
  .meta({ id: 'SetRedirectOrigins' });
export type RedirectOriginsBody = z.output<typeof redirectOriginsBody>;

export const redirectOrigins = z.object({ origins: z.array(z.string()) }).meta({
  id: 'RedirectOrigins',
  description: 'Where sessions of the project may redirect to; empty is no rule of its own.',
});

export const project = z
  .object({
    id: z.string().regex(/^prj_[0-9A-Za-z]{16}$/),
    org_id: z.string(),
    name: z.string(),
    slug: z.string(),
    is_default: z.boolean().describe('The project that exists from the first start.'),
    created_at: time,
  })
  .meta({ id: 'Project' });
export type Project = z.output<typeof project>;

export const projects = z
  .object({ projects: z.array(project), next_cursor: z.string().nullable() })
  .meta({ id: 'ProjectPage' });
export const projectsQuery = z.object({ limit: limit(200, 100), cursor });
export type ProjectsQuery = z.output<typeof projectsQuery>;

export const toProject = (view: ProjectView): Project => ({
  id: view.id,
  org_id: view.org_id,
  name: view.name,
  slug: view.slug,
  is_default: view.is_default,
  created_at: view.created_at,
});

/** As browsers compare origins; null for anything that says more than an origin, or for a pattern of them. */
function originOf(text: string): string | null {
  const url = parseRedirectUrl(text);
  if (url === null || url.includes('*')) return null;
  const { origin } = new URL(url);
  return url === `${origin}/` && origin.length <= LONGEST_ORIGIN ? origin : null;
}

/** A slug that a name suggests; empty when it has no letter or digit that a slug may have. */
export const slugOfName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replace(/^-|-$/g, '');

/** Could this be a slug? An id never is one. */
export const isSlug = (text: string): boolean => text.length <= MOST_SLUG && SLUG.test(text);
