import { z } from 'zod';
import { word } from './fields.js';

/** How a server knows its caller; each says which secrets a connection to it holds. */
export const authTypes = [
  'api_key',
  'path_secret',
  'two_header',
  'hmac_signed',
  'jwt_ecdsa',
  'cert',
  'oauth',
  'none',
  'hosted_link',
] as const;
export type AuthType = (typeof authTypes)[number];

/** How a server signs what it delivers. */
export const webhookSchemes = [
  'stripe',
  'mercadopago',
  'static-token',
  'github',
  'hmac-hex',
  'basic',
  'plaid',
  'teller',
] as const;

const url = z.string().regex(/^https?:\/\/[^\s/]+\S*$/, 'must be an http(s) address');

const oauth = z.object({
  grant: z.enum(['authorization_code', 'client_credentials']).default('authorization_code'),
  authorize_url: url.nullable().default(null),
  token_url: url,
  scopes: z.array(z.string()).default([]),
});

/** One entry of the catalog, as the file writes it and as the API shows it. */
export const server = z
  .object({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    name: z.string().min(1).max(80),
    category: z.string().regex(/^[a-z]+$/),
    country: z.string().regex(/^([A-Z]{2}|GLOBAL)$/),
    auth_type: z.enum(authTypes),
    secret_names: z
      .array(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/))
      .default([])
      .describe('One name: the secret is a string. Several: an object of exactly these.'),
    tools_count: z.int().min(0).default(0),
    base_url: url.nullable().default(null),
    docs: url.nullable().default(null),
    webhook: z
      .object({
        scheme: z.enum(webhookSchemes),
        /** Counts for static-token and hmac-hex; the others have a header of their own. */
        header: z.string().regex(/^[A-Za-z0-9-]+$/),
      })
      .nullable()
      .default(null),
    validation: z
      .object({ method: z.literal('GET'), path: z.string().regex(/^\//, 'must begin with /') })
      .nullable()
      .default(null)
      .describe('A read without consequences, by which a credential is tried.'),
    oauth: oauth.nullable().default(null),
  })
  .meta({ id: 'Server' });
export type Server = z.output<typeof server>;
export type ServerEntry = z.input<typeof server>;

export const serversQuery = z.object({ category: word(64), country: word(6), q: word(100) });
export type ServersQuery = z.output<typeof serversQuery>;

export const servers = z
  .object({
    total: z.int().describe('All servers of the catalog.'),
    filtered: z.int().describe('Those that are listed here.'),
    servers: z.array(server),
    data: z.array(server).describe('The same as `servers`.'),
  })
  .meta({ id: 'Servers' });

export const authSchema = z
  .object({
    server_id: z.string(),
    auth_type: z.enum(authTypes),
    secret_names: z.array(z.string()),
    secret: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('JSON Schema of `secret` on POST /v1/connections; null where a connection is made in another way.'),
  })
  .meta({ id: 'ServerAuthSchema' });

const text = { type: 'string', minLength: 1, maxLength: 4096 };

/**
 * Servers whose credential is handed over; the others are linked, authorized by an end user, or need none. The grant of client
 * credentials knows no end user: id and secret of the client are the credential.
 */
export const takesSecret = ({ auth_type, oauth }: Pick<Server, 'auth_type' | 'oauth'>): boolean =>
  auth_type === 'oauth' ? oauth?.grant === 'client_credentials' : !['none', 'hosted_link'].includes(auth_type);

export const toAuthSchema = (entry: Server): z.output<typeof authSchema> => ({
  server_id: entry.id,
  auth_type: entry.auth_type,
  secret_names: entry.secret_names,
  secret: takesSecret(entry) ? schemaOf(entry.secret_names) : null,
});

const schemaOf = (names: string[]): Record<string, unknown> =>
  names.length === 1
    ? text
    : {
        type: 'object',
        properties: Object.fromEntries(names.map((name) => [name, text])),
        required: names,
        additionalProperties: false,
      };

/** Those of the catalog that a caller asks for; `q` is found anywhere in id or name. */
export function matching(all: Server[], { category, country, q }: ServersQuery): Server[] {
  const wanted = q?.toLowerCase();
  return all.filter(
    (entry) =>
      (category === undefined || entry.category === category.toLowerCase()) &&
      (country === undefined || entry.country === country.toUpperCase()) &&
      (wanted === undefined || entry.id.includes(wanted) || entry.name.toLowerCase().includes(wanted)),
  );
}
