/** There is one organization until projects can be given to others. */
export const organization = { id: 'org_default', name: 'default' };

/** A project as it is asked for. Its id and slug never change. */
export interface ProjectTerms {
  id: string;
  org_id: string;
  name: string;
  /** Names the project among those of its organization. */
  slug: string;
  is_default: boolean;
}

export type ProjectCommand =
  | { type: 'CreateProject'; terms: ProjectTerms; now: string }
  | { type: 'RenameProject'; name: string; now: string }
  /** The whole list; empty lets sessions redirect to wherever the installation allows. */
  | { type: 'AllowRedirectOrigins'; origins: string[]; now: string };

export type ProjectEvent =
  | ({ type: 'ProjectCreated'; at: string } & ProjectTerms)
  | { type: 'ProjectRenamed'; name: string; at: string }
  | { type: 'RedirectOriginsAllowed'; origins: string[]; at: string };

/** Which project has a slug: a stream of its own, because slugs are unique. It holds all that the project begins with. */
export interface ClaimProjectSlug {
  type: 'ClaimProjectSlug';
  terms: ProjectTerms;
  now: string;
}
export interface ProjectSlugClaimed {
  type: 'ProjectSlugClaimed';
  terms: ProjectTerms;
  at: string;
}

export interface ProjectView extends ProjectTerms {
  redirect_origins: string[];
  created_at: string;
}
