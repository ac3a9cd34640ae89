import { type Answer, until } from '#testing/api.js';
import { bodies, exceptions, fieldKinds, type Ids, pathKinds, shared, type ThingKind } from './isolation-recipes.js';
import type { Caller } from './isolation-world.js';

/** One operation of /openapi.json, as far as it has to be known to ask for it. */
export interface Operation {
  name: string;
  method: string;
  path: string;
  queries: string[];
  /** The fields of its body; null when it takes none. */
  fields: string[] | null;
  isStream: boolean;
}

/** How a request names a thing. */
export interface Way {
  by: 'path' | 'query' | 'body';
  kind: ThingKind;
  field?: string;
}

interface Document {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, { properties?: object }> };
}
interface Described {
  parameters: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
  responses: Record<string, { content?: object }>;
}

const FILE = 'test/isolation-recipes.ts';

/** What the API's document says; pages and health are no part of it. */
export function operationsOf(document: unknown): Operation[] {
  const { paths, components } = document as Document;
  return Object.entries(paths)
    .filter(([path]) => /^\/(api|v1)\//.test(path))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([word, { parameters, requestBody, responses }]) => {
        const method = word.toUpperCase();
        const schema = requestBody?.content['application/json']?.schema.$ref.split('/').at(-1);
        return {
          ...{ name: `${method} ${path}`, method, path },
          queries: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
          fields: schema === undefined ? null : Object.keys(components.schemas[schema]?.properties ?? {}),
          isStream: 'text/event-stream' in (responses['200']?.content ?? {}),
        };
      }),
    );
}

/** Every way in which the operation can name a thing of a tenant. */
export function waysToName({ name, path, queries, fields, isStream }: Operation): Way[] {
  const kind = pathKinds[longest(pathKinds, path) ?? ''];
  const ways: Way[] = kind ? [{ by: 'path', kind }] : [];
  const kindsOf = (field: string) => (exceptions[`${name} ${field}`] ? [] : (fieldKinds[field] ?? []));
  // A stream that everybody may open is read in another way: see `send`.
  if (!isStream)
    for (const field of queries) ways.push(...kindsOf(field).map((kind) => ({ by: 'query' as const, kind, field })));
  for (const field of fields ?? []) ways.push(...kindsOf(field).map((kind) => ({ by: 'body' as const, kind, field })));
  return ways;
}

/** The lines that the recipes lack for this operation. */
export function missingRecipes({ name, path, queries, fields }: Operation): string[] {
  const missing: string[] = [];
  const known = longest(pathKinds, path) ?? longest(shared, path);
  if (path.includes('{') && known === undefined) missing.push(`pathKinds or shared: what ${path} names`);
  if (known && path.slice(known.length).includes('{'))
    missing.push(`pathKinds or shared: what the end of ${path} names`);
  if (fields && !bodies[name]) missing.push(`bodies: a body for ${name}`);
  for (const field of [...queries, ...(fields ?? [])])
    if (looksLikeId(field) && !(field in fieldKinds)) missing.push(`fieldKinds: what ${field} of ${name} names`);
  return missing.map((what) => `add to ${FILE} – ${what}`);
}

/** Asks for the operation with these ids; two requests that differ in ids only are the same to the byte otherwise. */
export async function send(caller: Caller, operation: Operation, ids: Ids, way?: Way): Promise<Answer> {
  const { name, method, path, isStream } = operation;
  const kind = pathKinds[longest(pathKinds, path) ?? ''];
  const filled = withIds(path, ids);
  const query = way?.by === 'query' ? `?${way.field}=${ids[way.kind]}` : '';
  const named = way?.by === 'body' ? { [way.field!]: ids[way.kind] } : {};
  const body = bodies[name] && { ...bodies[name](ids), ...named };
  const headers = { 'x-request-id': 'isolation' };
  if (isStream && kind === undefined) return caller.watch(filled);
  // A part of a busy machine that is late says nothing about tenants.
  return until(
    () => caller.api.call(method, filled + query, body, headers),
    ({ status }) => status !== 503,
  );
}

/** The path of one of these things; `other` stands where it names nothing of a tenant. */
export function withIds(path: string, ids: Ids, other = 'unknown'): string {
  const kind = pathKinds[longest(pathKinds, path) ?? ''];
  return path.replace('{server_id}', 'plaid').replace(/\{\w+\}/, kind ? ids[kind] : other);
}

const looksLikeId = (field: string): boolean => /(^|_)id$|^subject$|^actor$/.test(field);

/** The longest of these paths at which, or below which, this one lies. */
const longest = (paths: object, path: string): string | undefined =>
  Object.keys(paths)
    .filter((known) => path === known || path.startsWith(`${known}/`))
    .sort((one, other) => other.length - one.length)[0];
