import { z } from 'zod';
import { type ErrorCode, errors, platformCode } from '#contracts/errors.js';
import { householdError, platformError, problem } from '#contracts/api/errors.js';
import { type EndpointSpec, takesIdempotencyKey } from './endpoint.js';
import { headerParameters, headersOfRefusal, headersOfReply } from './openapi-headers.js';
import { isPlatform, parameterFault } from './surface.js';

type Json = Record<string, unknown>;

const COMPONENTS = '#/components/schemas/';

const ABOUT = [
  'Hosted-link sessions, connections, API keys and the audit timeline. `/api/v1` is the household API, `/v1` the platform API.',
  "Every reply carries `X-Request-Id`: the request's own where that is 1 to 128 of `A-Z a-z 0-9 . _ -`, else a new one.",
  '`Accept: application/problem+json` gets refusals as RFC 9457.',
  'Query parameters and fields of a body that are not described are ignored, except for `as_of`.',
  'A method that a path does not take is 405 `METHOD_NOT_ALLOWED`; what cannot be read as a request is 400 `BAD_REQUEST`,',
  '408 `REQUEST_TIMEOUT` or 431 `HEADERS_TOO_LARGE`, everywhere as `/api/v1` writes it.',
  'The keys that sign results, receipts and checkpoints are at `/.well-known/jwks.json`; `/v1/connect/callback/{server_id}`',
  'is the page to which a provider sends a browser back.',
].join(' ');

/** The OpenAPI 3.1 document of these endpoints: the truth about both surfaces, because the routes are made from the same. */
export function openApi(endpoints: EndpointSpec[]): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey',
      version: '1',
      description: ABOUT,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'household' }, { name: 'platform' }, { name: 'system' }],
    paths,
    components: {
      schemas: components(endpoints),
      securitySchemes: {
        ApiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: '`bb_` + 43 base62 digits.' },
        Bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A `bb_` household key; on `/v1` also a `csk_` platform key.',
        },
      },
    },
  };
}

/**
 * zod takes these two away from what is made into something else, as they could be of that; ours are of what is sent. And a
 * later version may have more fields than it lets a reply have.
 */
const schemasAs = (io: 'input' | 'output') => ({
  io,
  override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: z.core.JSONSchema.BaseSchema }) {
    const { default: fallback, examples } = z.globalRegistry.get(zodSchema) ?? {};
    Object.assign(jsonSchema, fallback !== undefined && { default: fallback }, examples !== undefined && { examples });
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
});

/** Every schema that has a name, wherever it is used: bodies as they may be sent, and replies as they are. */
function components(endpoints: EndpointSpec[]): Json {
  const sent = new Set(endpoints.map(({ body }) => body?.meta()?.id));
  const [bodies, replies] = (['input', 'output'] as const).map((io) => {
    const uri = (id: string) => COMPONENTS + id;
    return z.toJSONSchema(z.globalRegistry, { uri, unrepresentable: 'any', ...schemasAs(io) }).schemas;
  });
  const named = Object.keys(bodies!).map((id) => {
    const { $id: _id, $schema: _schema, id: _name, ...schema } = (sent.has(id) ? bodies! : replies!)[id]!;
    return [id, schema];
  });
  return Object.fromEntries(named) as Json;
}

const refTo = (schema: z.ZodType): Json => {
  const id = schema.meta()?.id;
  if (!id) throw new Error('a schema that stands in the API document needs an id');
  return { $ref: COMPONENTS + id };
};

function operation(endpoint: EndpointSpec): Json {
  const { summary, description, body, bodyOptional, takesBytes, access } = endpoint;
  return {
    operationId: operationId(endpoint),
    tags: [surfaceOf(endpoint)],
    summary,
    ...(description && { description }),
    security: access === 'public' ? [] : security(endpoint),
    parameters: [...pathParameters(endpoint), ...queryParameters(endpoint), ...headerParameters(endpoint)],
    ...(body && { requestBody: { required: !bodyOptional, content: { 'application/json': { schema: refTo(body) } } } }),
    ...(takesBytes && { requestBody: { required: true, content: { '*/*': { schema: {} } } } }),
    responses: { ...replies(endpoint), ...refusals(endpoint) },
  };
}

const operationId = ({ method, path }: EndpointSpec): string =>
  method.toLowerCase() +
  path
    .replace(/^\/api\/v1/, '')
    .split(/[/:_.-]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function surfaceOf(endpoint: EndpointSpec): 'household' | 'platform' | 'system' {
  if (isPlatform(endpoint)) return 'platform';
  return endpoint.path.startsWith('/api/') ? 'household' : 'system';
}

function security(endpoint: EndpointSpec): Json[] {
  const scopes = endpoint.access === 'any' ? [] : [endpoint.access];
  return isPlatform(endpoint) ? [{ Bearer: scopes }] : [{ ApiKey: scopes }, { Bearer: scopes }];
}

const pathParameters = ({ path }: EndpointSpec): Json[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'id' ? idIn(path) : undefined,
    schema: { type: 'string' },
  }));

/** Where an id has another form than most. */
const idForms: [RegExp, string][] = [
  [/^\/v1\/connections\//, 'The `conn_` id.'],
  [/^\/v1\/sessions\//, 'The `ses_` id.'],
  [/^\/v1\/projects\//, 'The `prj_` id, or the slug.'],
  [/^\/v1\/(servers|providers)\//, 'The id in the catalog.'],
  [/^\/api\/v1\/replays\//, 'UUID.'],
];
const idIn = (path: string): string =>
  idForms.find(([start]) => start.test(path))?.[1] ?? 'UUID or 8-character short_id.';

function queryParameters({ query }: EndpointSpec): Json[] {
  if (!query) return [];
  const { properties = {} } = z.toJSONSchema(query, schemasAs('input'));
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Json;
    return { name, in: 'query', required: false, ...(description !== undefined && { description }), schema };
  });
}

/** Text that comes bit by bit, so there is no object to describe. */
const streamed = (types: true | string[]): Json =>
  Object.fromEntries(
    (types === true ? ['text/event-stream'] : types).map((type) => [type, { schema: { type: 'string' } }]),
  );

function replies(endpoint: EndpointSpec): Json {
  const { reply, isStream } = endpoint;
  const headers = headersOfReply(endpoint);
  const described = Object.entries(reply).map(([status, schema]) => {
    const stream = status === '200' && isStream;
    return [
      status,
      {
        description: schema?.meta()?.description ?? (schema || stream ? 'The answer.' : 'Done; no body.'),
        headers,
        ...(stream && { content: streamed(stream) }),
        ...(schema && { content: { 'application/json': { schema: refTo(schema) } } }),
      },
    ];
  });
  return Object.fromEntries(described) as Json;
}

/** Refusals by status; the codes stand in the description, because each has its own sentence in docs/errors.md. */
function refusals(endpoint: EndpointSpec): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(endpoint)) {
    const { status } = errors[code];
    if (!(status in endpoint.reply)) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const described = [...byStatus].map(([status, codes]) => [String(status), refusalReply(endpoint, codes)]);
  return Object.fromEntries(described) as Json;
}

function refusalReply(endpoint: EndpointSpec, codes: ErrorCode[]): Json {
  const schema = isPlatform(endpoint) ? platformError : householdError;
  const names = new Set(codes.map((code) => (isPlatform(endpoint) ? platformCode(code) : code)));
  return {
    description: [...names].map((name) => `\`${name}\``).join(', '),
    headers: headersOfRefusal(endpoint, errors[codes[0]!].status),
    content: { 'application/json': { schema: refTo(schema) }, 'application/problem+json': { schema: refTo(problem) } },
  };
}

const ofEveryKey = [
  'MISSING_API_KEY',
  'INVALID_API_KEY',
  'REVOKED_API_KEY',
  'EXPIRED_API_KEY',
  'IP_NOT_ALLOWED',
  'RATE_LIMITED',
] as const satisfies ErrorCode[];

/** What can be refused: the endpoint's own, and what follows from its access, body and query. */
export function codesOf(endpoint: EndpointSpec): Set<ErrorCode> {
  const { access, body, query, errors: own = [] } = endpoint;
  const codes: ErrorCode[] = surfaceOf(endpoint) === 'system' ? [] : ['UNAVAILABLE', 'INTERNAL'];
  if (access !== 'public') codes.push(...ofEveryKey);
  if (access !== 'public' && access !== 'any') codes.push('FORBIDDEN');
  if (body) codes.push('INVALID_BODY', 'VALIDATION_ERROR', 'PAYLOAD_TOO_LARGE');
  if (takesIdempotencyKey(endpoint))
    codes.push(parameterFault(endpoint), 'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_IN_FLIGHT');
  if (endpoint.method !== 'GET' && !endpoint.writesNothing) codes.push('CONFLICT');
  // Without a query it is `as_of` that is refused.
  if (query || (endpoint.method === 'GET' && access !== 'public')) codes.push(parameterFault(endpoint));
  // A position at which no event stands.
  if (query && 'as_of' in query.shape) codes.push('INVALID_PARAMETER');
  return new Set([...codes, ...own].sort((a, b) => errors[a].status - errors[b].status));
}
