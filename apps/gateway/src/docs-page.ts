import { createHash } from 'node:crypto';
import { errors, platformCode, type ErrorCode } from '#contracts/errors.js';

type Json = Record<string, unknown>;

interface Operation {
  summary: string;
  description?: string;
  tags: string[];
  security: Json[];
  parameters: { name: string; in: string; description?: string; schema: Json }[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: { $ref: string } }> }>;
}

interface Document {
  info: { title: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 3rem; } section { border-top: 1px solid #8886; padding: 1rem 0; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; } .method { font-weight: bold; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: 0.2rem 0.8rem 0.2rem 0; }
th { font-weight: 600; } a { color: inherit; }`;

/** The page runs nothing and loads nothing; its own style is let through by its hash. */
export const docsPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The OpenAPI document as a page a person can read. */
export function docsPage(document: object): string {
  const { info, paths, components } = document as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
  const chapters = ['household', 'platform', 'system'].map(
    (tag) =>
      `<h2 id="${tag}">${{ household: 'Household API', platform: 'Platform API', system: 'System' }[tag]}</h2>` +
      operations
        .filter(({ tags }) => tags.includes(tag))
        .map(operationSection)
        .join(''),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(info.title)} API</title><style>${style}</style></head>
<body><main><h1>${escape(info.title)} API</h1><p>${marked(info.description)}</p>
<p><a href="/openapi.json">openapi.json</a> · <a href="#household">Household</a> · <a href="#platform">Platform</a> · <a href="#objects">Objects</a> · <a href="#errors">Errors</a></p>
${chapters.join('\n')}
<h2 id="objects">Objects</h2>${Object.entries(components.schemas).map(objectSection).join('')}
<h2 id="errors">Errors</h2>${errorTable()}</main></body></html>`;
}

function operationSection(operation: Operation & { path: string; method: string }): string {
  const { path, method, summary, description, parameters, requestBody, responses } = operation;
  const scopes = [...new Set(operation.security.flatMap((scheme) => Object.values(scheme).flat()))];
  const rows = parameters.map(({ name, in: where, description: what = '', schema }) =>
    row(`<code>${escape(name)}</code>`, where, typeOf(schema), marked(what)),
  );
  const body = requestBody?.content['application/json']?.schema;
  const replies = Object.entries(responses).map(([status, reply]) =>
    row(status, marked(reply.description), refOf(reply.content?.['application/json']?.schema)),
  );
  return `<section><h3><span class="method">${method}</span> <code>${escape(path)}</code></h3>
<p>${escape(summary)}. ${marked(description ?? '')}</p>
${scopes.length ? `<p>Needs <code>${scopes.map((scope) => escape(String(scope))).join(', ')}</code>.</p>` : ''}
${rows.length ? table(['Parameter', 'In', 'Type', ''], rows) : ''}
${body ? `<p>Body: ${refOf(body)}</p>` : ''}${table(['Status', '', ''], replies)}</section>`;
}

function objectSection([name, schema]: [string, Json]): string {
  const required = (schema['required'] ?? []) as string[];
  const rows = Object.entries((schema['properties'] ?? {}) as Record<string, Json>).map(([field, property]) =>
    row(
      `<code>${escape(field)}</code>${required.includes(field) ? '' : ' (optional)'}`,
      typeOf(property),
      marked(asText(property['description'])),
    ),
  );
  const description = marked(asText(schema['description']));
  return `<section id="${escape(name)}"><h3>${escape(name)}</h3><p>${description}</p>${table(['Field', 'Type', ''], rows)}</section>`;
}

function errorTable(): string {
  const rows = (Object.keys(errors) as ErrorCode[]).map(
    (code) =>
      `<tr id="${code}"><td>${errors[code].status}</td><td><code>${code}</code></td><td><code>${platformCode(code)}</code></td><td>${escape(errors[code].text)}</td></tr>`,
  );
  return table(['Status', '/api/v1', '/v1', ''], rows);
}

const table = (heads: string[], rows: string[]): string =>
  `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;

const row = (...cells: string[]): string => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;

function refOf(schema: Json | undefined): string {
  const name = asText(schema?.['$ref']).split('/').at(-1) ?? '';
  return name && `<a href="#${escape(name)}">${escape(name)}</a>`;
}

function typeOf(schema: Json): string {
  const fallback =
    schema['default'] === undefined ? '' : `, default <code>${escape(JSON.stringify(schema['default']))}</code>`;
  return kindOf(schema) + boundsOf(schema) + fallback;
}

/** The bounds of a number, a text or a list. Those of every number that JSON can hold say nothing. */
function boundsOf({ minimum, minLength, minItems, maximum, maxLength, maxItems }: Json): string {
  const bounds = [minimum ?? minLength ?? minItems, maximum ?? maxLength ?? maxItems] as (number | undefined)[];
  const [least, most] = bounds.map((bound) =>
    Math.abs(bound ?? Infinity) < Number.MAX_SAFE_INTEGER ? bound : undefined,
  );
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`;
  if (least !== undefined) return `, at least ${least}`;
  return most === undefined ? '' : `, at most ${most}`;
}

function kindOf(schema: Json): string {
  if (schema['$ref']) return refOf(schema);
  if (schema['anyOf']) return (schema['anyOf'] as Json[]).map(typeOf).join(' or ');
  if (schema['enum'])
    return (schema['enum'] as unknown[]).map((value) => `<code>${escape(JSON.stringify(value))}</code>`).join(', ');
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as Json)}`;
  const types = ([schema['type'] ?? []].flat() as string[]).join(' or ');
  return escape([types, schema['format']].filter(Boolean).join(' '));
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Escaped, with `code` between back-ticks. */
const marked = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
