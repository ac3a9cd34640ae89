import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { ProjectQueries } from './project-queries.js';
import { Projects } from './projects.service.js';

@Controller()
export class ProjectController {
  constructor(
    private readonly projects: Projects,
    private readonly queries: ProjectQueries,
  ) {}

  @MessagePattern('key.project.create')
  create(@Payload() { context, id, name, slug }: Ask<'key.project.create'>): Promise<Reply<'key.project.create'>> {
    return this.projects.create(context, { id, name, slug });
  }

  @MessagePattern('key.project.rename')
  rename(@Payload() { context, id, name }: Ask<'key.project.rename'>): Promise<Reply<'key.project.rename'>> {
    return this.projects.change(context, id, { type: 'RenameProject', name, now: now() });
  }

  @MessagePattern('key.project.allow-redirects')
  allowRedirects(
    @Payload() { context, id, origins }: Ask<'key.project.allow-redirects'>,
  ): Promise<Reply<'key.project.allow-redirects'>> {
    return this.projects.change(context, id, { type: 'AllowRedirectOrigins', origins, now: now() });
  }

  @MessagePattern('key.project.get')
  get(@Payload() { id }: Ask<'key.project.get'>): Promise<Reply<'key.project.get'>> {
    return this.projects.read(id);
  }

  @MessagePattern('key.project.list')
  list(@Payload() ask: Ask<'key.project.list'>): Promise<Reply<'key.project.list'>> {
    return this.queries.list(ask);
  }
}

const now = (): string => new Date().toISOString();
