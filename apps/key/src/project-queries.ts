import { Inject, Injectable } from '@nestjs/common';
import type { Page } from '#contracts/envelope.js';
import { organization, type ProjectView } from '#contracts/project.js';
import type { Ask } from '#contracts/subjects.js';
import type { Projector } from '#eventstore/projector.js';
import { listName, pageOf, placeIn } from '#service/cursor.js';
import { takeUpTo } from '#service/batch-queue.js';
import { Store } from '#service/store.js';
import { hearingAll } from './key-streams.js';
import { ProjectRow, projectRows } from './project.view.js';

const LIST = listName('projects');
const PROJECT_ID = /^prj_[0-9A-Za-z]{16}$/;

/** A page is well below what the bus carries in a message. */
const BYTES = 1024 * 1024;

/** How many of the projects go into one reply. */
const fitting = (most: number, rows: ProjectRow[]): number =>
  takeUpTo<ProjectRow>(most, BYTES, (row) => JSON.stringify(row).length)([...rows]).length;

/** The projection of all projects, and the read of it. */
@Injectable()
export class ProjectQueries {
  private readonly view: Projector;

  constructor(@Inject(Store) private readonly store: Store) {
    this.view = store.project(hearingAll(projectRows));
  }

  async list({ after, limit, cursor }: Ask<'key.project.list'>): Promise<Page<ProjectView>> {
    await this.view.reached(after);
    const from = placeIn(LIST, cursor, PROJECT_ID);
    const query = this.store.dataSource
      .getRepository(ProjectRow)
      .createQueryBuilder('p')
      .where('p.org_id = :id', organization)
      .orderBy('p.created_at', 'DESC')
      .addOrderBy('p.id', 'DESC')
      .limit(limit + 1);
    if (from) query.andWhere('(p.created_at, p.id) < (:at, :project)', { at: from.created_at, project: from.id });
    const rows = await query.getMany();
    return pageOf(LIST, rows, fitting(limit, rows));
  }
}
