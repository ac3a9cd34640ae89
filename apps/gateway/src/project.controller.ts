import { Controller, Inject, Param } from '@nestjs/common';
import {
  type CreateProjectBody,
  createProjectBody,
  project,
  projects,
  type ProjectsQuery,
  projectsQuery,
  redirectOrigins,
  type RedirectOriginsBody,
  redirectOriginsBody,
  type RenameProjectBody,
  renameProjectBody,
  toProject,
} from '#contracts/api/projects.js';
import type { Context } from '#contracts/envelope.js';
import { newProjectId } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { refuseTest } from './access.js';
import { Endpoint } from './endpoint.js';
import { Services } from './services.js';
import { Caller, Randomness, RequestBody, RequestQuery } from './params.js';
import { RedirectOrigins } from './redirect-origins.js';

const PATH = '/v1/projects';
const OF_ONE = { path: `${PATH}/:id`, access: 'keys:write' as const, errors: ['NOT_FOUND' as const] };
const ORIGINS = { ...OF_ONE, path: `${PATH}/:id/redirect-origins` };

/** The organization's projects. Who may write keys may see and change them all: see docs/decisions/0010. */
@Controller()
export class ProjectController {
  constructor(
    private readonly services: Services,
    @Inject(Bus) private readonly bus: Bus,
    private readonly origins: RedirectOrigins,
  ) {}

  @Endpoint({
    method: 'POST',
    path: PATH,
    access: 'keys:write',
    summary: 'Create a project',
    description:
      'It has two environments, live and test. Keys for it are made with its id. Its slug is taken for ever, so a test key ' +
      'may not.',
    body: createProjectBody,
    reply: { 201: project },
    errors: ['SLUG_CONFLICT'],
  })
  async create(@Caller() context: Context, @Randomness() random: Random, @RequestBody() body: CreateProjectBody) {
    refuseTest(context);
    const wish = { context, id: newProjectId(random), ...body };
    return toProject((await this.services.write('key.project.create', wish)).view);
  }

  @Endpoint({
    method: 'GET',
    path: PATH,
    access: 'keys:write',
    summary: 'List the projects of the organization, newest first',
    query: projectsQuery,
    reply: { 200: projects },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: ProjectsQuery) {
    const { items, next_cursor } = await this.services.read('key.project.list', { context, ...query });
    return { projects: items.map(toProject), next_cursor };
  }

  @Endpoint({ ...OF_ONE, method: 'GET', summary: 'Look at a project, by id or slug', reply: { 200: project } })
  async get(@Param('id') id: string) {
    return toProject(await this.bus.ask('key.project.get', { id }));
  }

  @Endpoint({
    ...OF_ONE,
    method: 'PATCH',
    summary: 'Rename a project',
    description: 'Id and slug stay. It holds for both environments, so a test key may not.',
    body: renameProjectBody,
    reply: { 200: project },
  })
  async rename(@Caller() context: Context, @RequestBody() { name }: RenameProjectBody, @Param('id') id: string) {
    refuseTest(context);
    return toProject((await this.services.write('key.project.rename', { context, id, name })).view);
  }

  @Endpoint({
    ...ORIGINS,
    method: 'GET',
    summary: 'Say where sessions and Connect Links of a project may redirect to',
    reply: { 200: redirectOrigins },
  })
  async redirectOrigins(@Param('id') id: string) {
    return { origins: (await this.bus.ask('key.project.get', { id })).redirect_origins };
  }

  @Endpoint({
    ...ORIGINS,
    method: 'PUT',
    summary: 'Set where sessions and Connect Links of a project may redirect to',
    description:
      'Holds for sessions that are minted and Connect Links that are started from now on, in both environments, beside the list ' +
      'of the installation. A test key may not.',
    body: redirectOriginsBody,
    reply: { 200: redirectOrigins },
  })
  async allowRedirects(
    @Caller() context: Context,
    @RequestBody() { origins }: RedirectOriginsBody,
    @Param('id') id: string,
  ) {
    refuseTest(context);
    const { view } = await this.services.write('key.project.allow-redirects', { context, id, origins });
    await this.origins.changed();
    return { origins: view.redirect_origins };
  }
}
