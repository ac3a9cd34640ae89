import { Inject, Injectable } from '@nestjs/common';
import { isSlug, slugOfName } from '#contracts/api/projects.js';
import type { Context, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { isProjectId, sha256 } from '#contracts/ids.js';
import {
  organization,
  type ProjectCommand,
  type ProjectEvent,
  type ProjectSlugClaimed,
  type ProjectTerms,
  type ProjectView,
} from '#contracts/project.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { project } from '#eventstore/projection.js';
import { readFacts } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { projects, projectSlug } from './project.decider.js';
import { projectProjection } from './project.view.js';

export interface ProjectWish {
  id: string;
  name: string;
  slug: string | null;
  is_default?: boolean;
}

/** Commands to projects and the truth about one, from its own stream. */
@Injectable()
export class Projects {
  private readonly handle;
  private readonly handleSlug;

  constructor(@Inject(Store) private readonly store: Store) {
    this.handle = commandHandler(store.client, 'project', projects);
    this.handleSlug = commandHandler(store.client, 'project_slug', projectSlug);
  }

  /** A slug that was not asked for by name is made from the name, and told apart by the id when it is taken. */
  async create(context: Context, { id, name, slug, is_default = false }: ProjectWish): Promise<Written<ProjectView>> {
    const terms = (made: string): ProjectTerms => ({ id, org_id: organization.id, name, slug: made, is_default });
    if (slug !== null) return this.createAs(context, terms(slug));
    const base = slugOfName(name) || 'project';
    try {
      return await this.createAs(context, terms(base));
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'SLUG_CONFLICT') throw error;
      return this.createAs(context, terms(`${base}-${sha256(id).slice(0, 8)}`));
    }
  }

  async change(context: Context, text: string, command: ProjectCommand): Promise<Written<ProjectView>> {
    const { id } = await this.read(text);
    return this.command(context, id, command);
  }

  /** By id or slug. */
  async read(text: string): Promise<ProjectView> {
    const id = isSlug(text) ? (await this.holderOf(text))?.id : text;
    const found = id !== undefined && isProjectId(id) ? await this.find(id) : null;
    if (!found) throw new DomainError('NOT_FOUND', 'Project not found');
    return found;
  }

  /**
   * The claim of the slug decides, and holds all that the project begins with. Whoever meets a claim without its project,
   * because its maker died in between, completes it: a slug never belongs to nothing.
   */
  private async createAs(context: Context, terms: ProjectTerms): Promise<Written<ProjectView>> {
    const now = new Date().toISOString();
    const claim = { type: 'ClaimProjectSlug' as const, terms, now };
    try {
      await this.handleSlug({ id: slugStream(terms.slug), command: claim, context, expectNew: true });
    } catch (error) {
      if (error instanceof DomainError && error.code === 'SLUG_CONFLICT') await this.complete(context, terms.slug);
      throw error;
    }
    return this.begin(context, terms);
  }

  private async complete(context: Context, slug: string): Promise<void> {
    const holder = await this.holderOf(slug);
    if (holder && !(await this.find(holder.id))) await this.begin(context, holder);
  }

  private begin(context: Context, terms: ProjectTerms): Promise<Written<ProjectView>> {
    return this.command(context, terms.id, { type: 'CreateProject', terms, now: new Date().toISOString() });
  }

  private async command(context: Context, id: string, command: ProjectCommand): Promise<Written<ProjectView>> {
    const expectNew = command.type === 'CreateProject';
    const { events, position } = await this.handle({ id, command, context, expectNew });
    return { view: project(projectProjection, events)!, position };
  }

  private async find(id: string): Promise<ProjectView | null> {
    return project(projectProjection, await readFacts<ProjectEvent>(this.store.client, `project-${id}`));
  }

  private async holderOf(slug: string): Promise<ProjectTerms | undefined> {
    const [claim] = await readFacts<ProjectSlugClaimed>(this.store.client, `project_slug-${slugStream(slug)}`);
    return claim?.terms;
  }
}

/** Slugs are unique within an organization, and may stand in a stream's name: they are no secret. */
const slugStream = (slug: string): string => `${organization.id}.${slug}`;
