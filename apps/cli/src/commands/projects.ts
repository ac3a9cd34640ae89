import type { z } from 'zod';
import { createProjectBody, type Project, projectsQuery, toProject } from '#contracts/api/projects.js';
import { newProjectId } from '#contracts/ids.js';
import { dataOf, numberOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { askLocally, operatorContext } from '../local-bus.js';

const columns = ['id', 'slug', 'name', 'created_at'];

export const projectCommands: Command[] = [
  {
    words: 'projects create',
    does: 'Create a project; keys for it are made with keys create --project. On this machine it needs no key.',
    options: { name: 'NAME', slug: 'SLUG' },
    required: ['name'],
    async run(given, cli) {
      cli.show(await create(given, cli));
    },
  },
  {
    words: 'projects list',
    does: 'List the projects, newest first. On this machine it needs no key.',
    options: { limit: 'N', cursor: 'CURSOR' },
    async run({ option }, cli) {
      const page = await pageOf(option, cli);
      cli.showPage(page, page.projects, columns);
    },
  },
];

async function create({ option }: Given, cli: Cli): Promise<Project> {
  const { name, slug } = option;
  if (!cli.isOperator) return dataOf(cli.api.POST('/v1/projects', { body: { name: name!, slug } }));
  const wish = { context: operatorContext(), id: newProjectId(), ...valid(createProjectBody, { name, slug }) };
  return toProject((await askLocally(cli.local!, 'key.project.create', wish)).view);
}

async function pageOf({ limit: wished, cursor: place }: Given['option'], cli: Cli) {
  if (!cli.isOperator) {
    return dataOf(cli.api.GET('/v1/projects', { params: { query: { limit: numberOf(wished), cursor: place } } }));
  }
  const { limit, cursor } = valid(projectsQuery, { limit: wished, cursor: place });
  const ask = { context: operatorContext(), limit, ...(cursor !== undefined && { cursor }) };
  const { items, next_cursor } = await askLocally(cli.local!, 'key.project.list', ask);
  return { projects: items.map(toProject), next_cursor };
}

/** What the API would take, refused in its words. */
export function valid<S extends z.ZodType>(schema: S, wish: unknown): z.output<S> {
  const read = schema.safeParse(wish);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new CliError('VALIDATION_ERROR', `${issue!.path.join('.')} ${issue!.message}`);
}
