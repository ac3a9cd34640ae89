import { Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { name, text } from '#contracts/api/fields.js';
import { createProjectBody } from '#contracts/api/projects.js';
import { DomainError } from '#contracts/errors.js';
import { newProjectId } from '#contracts/ids.js';
import { Services } from '../services.js';
import { RedirectOrigins } from '../redirect-origins.js';
import { callerOf } from '../request-context.js';
import { checkedBody } from '../validation.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { fieldsOf, formOf } from './forms.js';
import { ForEveryone } from './operator.guard.js';
import { placeCookie, placeOf, tenantAt } from './places.js';
import { changesOf, typedOver } from './project-form.js';

const newProjectForm = z.object({ name: name(80), slug: text(48).transform((slug) => slug.trim() || null) });

/** Settings → Projects, and which one the dashboard shows. */
@AdminPage('admin/settings/projects')
export class AdminProjectsController {
  constructor(
    private readonly services: Services,
    private readonly origins: RedirectOrigins,
    private readonly views: AdminViews,
  ) {}

  @Get()
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    this.show(request, reply, {});
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const tried = await attempted(request, async () => {
      const wish = checkedBody(createProjectBody, formOf(request, newProjectForm));
      const id = newProjectId(request.random);
      return (await this.services.write('key.project.create', { context: callerOf(request), id, ...wish })).view;
    });
    if ('problem' in tried) return this.show(request, reply, { ...tried, typed: fieldsOf(request) });
    const place = placeOf({ project_id: tried.done.id, environment: 'live' });
    return reply
      .header('set-cookie', placeCookie(place, this.views.isSecure(request)))
      .redirect('/admin/settings/projects?done=project-created', 303);
  }

  @Post('show')
  @ForEveryone()
  choose(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const tenant = tenantAt(fieldsOf(request)['place'], request.projects ?? []);
    if (tenant) void reply.header('set-cookie', placeCookie(placeOf(tenant), this.views.isSecure(request)));
    return reply.redirect('/admin', 303);
  }

  /** What either half says twice changes nothing, so that a form whose answer was lost can be sent again. */
  @Post(':id')
  async change(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const project = request.projects?.find((one) => one.id === id);
    if (!project) throw new DomainError('NOT_FOUND', 'Project not found');
    const fields = fieldsOf(request);
    const tried = await attempted(request, async () => {
      const { name, origins } = changesOf(fields, project);
      if (name !== undefined) await this.services.write('key.project.rename', { context, id, name });
      if (!origins) return;
      await this.services.write('key.project.allow-redirects', { context, id, origins });
      await this.origins.changed();
    });
    if ('problem' in tried)
      return this.show(request, reply, { ...tried, changing: id, typed: typedOver(fields, project) });
    return reply.redirect('/admin/settings/projects?done=project-changed', 303);
  }

  private show(request: FastifyRequest, reply: FastifyReply, view: object): void {
    this.views.show(request, reply, 'projects', {
      heading: 'Projects',
      problem: null,
      changing: null,
      typed: {},
      ...view,
    });
  }
}
