import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectEvent, ProjectView } from '#contracts/project.js';
import type { Projection } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

/** Times are RFC 3339 text in UTC with milliseconds. */
@Entity('projects')
export class ProjectRow implements ProjectView {
  @PrimaryColumn('text') id!: string;
  @Column('text') org_id!: string;
  @Column('text') name!: string;
  @Column('text') slug!: string;
  @Column('boolean') is_default!: boolean;
  @Column('text', { array: true }) redirect_origins!: string[];
  @Column('text') created_at!: string;
}

export const projectProjection: Projection<ProjectView, ProjectEvent> = {
  ProjectCreated: ({ type: _type, at, ...terms }) => ({ ...terms, redirect_origins: [], created_at: at }),
  ProjectRenamed: (e) => ({ name: e.name }),
  RedirectOriginsAllowed: (e) => ({ redirect_origins: e.origins }),
};

export const projectRows = rowPerStream({
  name: 'projects',
  kind: 'project',
  entity: ProjectRow,
  projection: projectProjection,
});
