import { Controller, Headers, Inject, Param } from '@nestjs/common';
import {
  createdPlatformKey,
  type CreatePlatformKeyBody,
  createPlatformKeyBody,
  type PlatformKeyQuery,
  platformKeyQuery,
  platformKeys,
  type PlatformKeysQuery,
  platformKeysQuery,
  toPlatformKey,
} from '#contracts/api/platform.js';
import type { Context, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { platformScopes, type VerifiedKey } from '#contracts/key.js';
import type { Random } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { scopesOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { idInPath, notFound } from './ids.js';
import { Services } from './services.js';
import { Caller, CallerKey, Randomness, RequestBody, RequestQuery } from './params.js';
import { PlatformKeys } from './platform-keys.js';

const PROJECT_HEADER = 'x-codespar-project';
const headers = { [PROJECT_HEADER]: 'The project that is meant, where `project_id` names none.' };

/** Where a key is or will be, as the request names it. Empty is not named. */
interface Place {
  project_id?: string | undefined;
  env?: Tenant['environment'] | null | undefined;
}

/**
 * Platform keys: any set of scopes, but never more than the caller's own. `keys:write` is a right in the whole
 * organization, so these routes, and no others, can be asked about another project (docs/decisions/0010).
 */
@Controller()
export class PlatformKeyController {
  constructor(
    private readonly services: Services,
    private readonly keys: PlatformKeys,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/api-keys',
    access: 'keys:write',
    summary: 'Create a platform key',
    description: '`full_key` is shown once, in this reply; only its hash is kept.',
    body: createPlatformKeyBody,
    headers,
    reply: { 201: createdPlatformKey },
    errors: ['NOT_FOUND'],
  })
  async create(
    @Caller() context: Context,
    @CallerKey() key: VerifiedKey,
    @Randomness() random: Random,
    @RequestBody() { name, scopes: wished, ...place }: CreatePlatformKeyBody,
    @Headers(PROJECT_HEADER) header?: string,
  ) {
    const scopes = grantable(key, wished);
    const tenant = await this.tenantOf(key, place, header);
    const wish = { tenant, name, scopes, expires_in_days: null };
    const { view, plaintext_key } = await this.keys.create(context, random, wish);
    return { ...toPlatformKey({ ...view, last_used_at: null }), full_key: plaintext_key };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/api-keys',
    access: 'keys:write',
    summary: 'List platform keys, newest first, revoked ones included',
    query: platformKeysQuery,
    headers,
    reply: { 200: platformKeys },
    errors: ['NOT_FOUND', 'INVALID_CURSOR'],
  })
  async list(
    @Caller() caller: Context,
    @CallerKey() key: VerifiedKey,
    @RequestQuery() { limit, cursor, ...place }: PlatformKeysQuery,
    @Headers(PROJECT_HEADER) header?: string,
  ) {
    const context = { ...caller, tenant: await this.tenantOf(key, place, header) };
    const page = { limit, ...(cursor !== undefined && { cursor }) };
    const environments = environmentsOf(key, place);
    const found = await this.services.read('key.list', { context, kind: 'platform', environments, ...page });
    const { items, next_cursor } = found;
    return { keys: items.map(toPlatformKey), next_cursor };
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/api-keys/:id',
    access: 'keys:write',
    summary: 'Revoke a platform key',
    query: platformKeyQuery,
    headers,
    reply: { 204: null },
    errors: ['NOT_FOUND'],
  })
  async revoke(
    @Caller() caller: Context,
    @CallerKey() key: VerifiedKey,
    @Param('id') text: string,
    @RequestQuery() place: PlatformKeyQuery,
    @Headers(PROJECT_HEADER) header?: string,
  ): Promise<void> {
    const tenant = await this.tenantOf(key, place, header);
    const look = { context: { ...caller, tenant }, environments: environmentsOf(key, place) };
    const found = await this.services.read('key.get', { ...look, id: idInPath('api_key', text) });
    if (found.kind !== 'platform') throw notFound('api_key');
    const context = { ...caller, tenant: { ...tenant, environment: found.environment } };
    await this.services.write('key.revoke', { context, id: found.id });
  }

  /** The project and environment that are meant; the caller's own are known without asking. */
  private async tenantOf(key: VerifiedKey, { project_id, env }: Place, header?: string): Promise<Tenant> {
    const environment = env ?? key.environment;
    if (environment === 'live' && key.environment === 'test') {
      throw new DomainError('FORBIDDEN', 'A test key has no rights over live keys.');
    }
    const named = project_id || header || key.project_id;
    if (named === key.project_id) return { project_id: named, environment };
    const { id } = await this.bus.ask('key.project.get', { id: named });
    return { project_id: id, environment };
  }
}

/** Where keys are looked for: a live key has its rights over test keys, too. */
function environmentsOf({ environment }: VerifiedKey, { env }: Place): Tenant['environment'][] {
  if (env) return [env];
  return environment === 'live' ? ['live', 'test'] : ['test'];
}

/** Without a wish: the reads among the caller's own scopes. */
function grantable(key: VerifiedKey, wished: CreatePlatformKeyBody['scopes']) {
  const own = scopesOf(key);
  if (wished === null) return platformScopes.filter((scope) => scope.endsWith(':read') && own.includes(scope));
  const beyond = wished.filter((scope) => !own.includes(scope));
  if (beyond.length > 0) throw new DomainError('FORBIDDEN', `Scopes beyond your own: ${beyond.join(', ')}.`);
  return [...new Set(wished)];
}
