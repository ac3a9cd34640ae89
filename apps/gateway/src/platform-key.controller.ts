import { Controller, Param } from '@nestjs/common';
import {
  createdPlatformKey,
  type CreatePlatformKeyBody,
  createPlatformKeyBody,
  platformKeys,
  type PlatformKeysQuery,
  platformKeysQuery,
  toPlatformKey,
} from '#contracts/api/platform.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { platformScopes, type VerifiedKey } from '#contracts/key.js';
import { keyIdentity, newPlatformKey, type Random } from '#contracts/secrets.js';
import { scopesOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { idInPath, notFound } from './ids.js';
import { Services } from './last-write.js';
import { Caller, CallerKey, Randomness, RequestBody, RequestQuery } from './params.js';

/** Platform keys: any set of scopes, but never more than the caller's own. */
@Controller()
export class PlatformKeyController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/api-keys',
    access: 'keys:write',
    summary: 'Create a platform key',
    description: '`full_key` is shown once, in this reply; only its hash is kept.',
    body: createPlatformKeyBody,
    reply: { 201: createdPlatformKey },
  })
  create(
    @Caller() context: Context,
    @CallerKey() key: VerifiedKey,
    @Randomness() random: Random,
    @RequestBody() { name, env, scopes: wished }: CreatePlatformKeyBody,
  ) {
    const scopes = grantable(key, wished);
    const environment = env ?? key.environment;
    return withFreshId(async () => {
      const full_key = newPlatformKey(environment, random);
      const terms = {
        project_id: key.project_id,
        environment,
        ...keyIdentity(full_key),
        kind: 'platform' as const,
        name,
        scopes,
        actor_name: null,
        created_by: context.actor.name,
        expires_at: null,
      };
      const { view } = await this.services.write('key.create', { context, terms });
      return { ...toPlatformKey({ ...view, last_used_at: null }), full_key };
    });
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/api-keys',
    access: 'keys:write',
    summary: 'List platform keys, newest first, revoked ones included',
    query: platformKeysQuery,
    reply: { 200: platformKeys },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: PlatformKeysQuery) {
    const { items, next_cursor } = await this.services.read('key.list', { context, kind: 'platform', ...query });
    return { keys: items.map(toPlatformKey), next_cursor };
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/api-keys/:id',
    access: 'keys:write',
    summary: 'Revoke a platform key',
    reply: { 204: null },
    errors: ['NOT_FOUND'],
  })
  async revoke(@Caller() context: Context, @Param('id') text: string): Promise<void> {
    const key = await this.services.read('key.get', { context, id: idInPath('api_key', text) });
    if (key.kind !== 'platform') throw notFound('api_key');
    await this.services.write('key.revoke', { context, id: key.id });
  }
}

/** Without a wish: the reads among the caller's own scopes. */
function grantable(key: VerifiedKey, wished: CreatePlatformKeyBody['scopes']) {
  const own = scopesOf(key);
  if (wished === null) return platformScopes.filter((scope) => scope.endsWith(':read') && own.includes(scope));
  const beyond = wished.filter((scope) => !own.includes(scope));
  if (beyond.length > 0) throw new DomainError('FORBIDDEN', `Scopes beyond your own: ${beyond.join(', ')}.`);
  return [...new Set(wished)];
}
