import { Controller, Param } from '@nestjs/common';
import {
  apiKey,
  apiKeysPage,
  type ApiKeysQuery,
  apiKeysQuery,
  createdApiKey,
  type CreateKeyBody,
  createKeyBody,
  type RenameKeyBody,
  renameKeyBody,
  type RotateKeyBody,
  rotateKeyBody,
  toApiKey,
} from '#contracts/api/api-keys.js';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import type { UsedKey } from '#contracts/key.js';
import type { Random } from '#contracts/secrets.js';
import { Endpoint } from './endpoint.js';
import { type FreshKey, HouseholdKeys } from './household-keys.js';
import { householdPage } from './household-page.js';
import { idInPath, notFound } from './ids.js';
import { Services } from './services.js';
import { Caller, Randomness, RequestBody, RequestQuery } from './params.js';

const AS_OF_A_KEY =
  'With `as_of`, `last_used_at` is null when the key was used again since then: only its last use is kept.';

/** Household keys. The platform's own keys are of another kind and do not exist here. */
@Controller()
export class ApiKeyController {
  constructor(
    private readonly services: Services,
    private readonly keys: HouseholdKeys,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/api-keys',
    access: 'full_access',
    summary: 'Create an API key',
    description: 'The key itself is shown once, in this reply; only its hash is kept.',
    body: createKeyBody,
    reply: { 201: createdApiKey },
  })
  async create(@Caller() context: Context, @Randomness() random: Random, @RequestBody() body: CreateKeyBody) {
    return shown(await this.keys.create(context, random, body));
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/api-keys',
    access: 'full_access',
    summary: 'List API keys, newest first, revoked ones included',
    query: apiKeysQuery,
    reply: { 200: apiKeysPage },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: ApiKeysQuery) {
    const found = await this.services.read('key.list', { context, kind: 'household', ...query });
    return householdPage('api_keys', found, toApiKey);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/api-keys/:id',
    access: 'full_access',
    summary: 'Look at an API key',
    description: AS_OF_A_KEY,
    query: asOfQuery,
    reply: { 200: apiKey },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') id: string, @RequestQuery() query: AsOfQuery) {
    return toApiKey(await this.read(context, id, query));
  }

  @Endpoint({
    method: 'PATCH',
    path: '/api/v1/api-keys/:id',
    access: 'full_access',
    summary: 'Rename an API key',
    body: renameKeyBody,
    reply: { 200: apiKey },
    errors: ['NOT_FOUND'],
  })
  async rename(@Caller() context: Context, @RequestBody() { name }: RenameKeyBody, @Param('id') text: string) {
    const { id } = await this.read(context, text);
    return toApiKey((await this.services.write('key.rename', { context, id, name })).view);
  }

  @Endpoint({
    method: 'POST',
    path: '/api/v1/api-keys/:id/rotate',
    access: 'full_access',
    summary: 'Put a new API key in the place of this one',
    description:
      'The new key has the name, scope, actor, addresses and expiry of the old one, and is shown once, in this reply. ' +
      'The old one works for the grace, and then answers REVOKED_API_KEY. Rotate the key you call with by a grace: without ' +
      'one it cannot ask again, also with its Idempotency-Key, for an answer that was lost.',
    body: rotateKeyBody,
    bodyOptional: true,
    reply: { 201: createdApiKey },
    errors: ['NOT_FOUND', 'INVALID_STATE'],
  })
  async rotate(
    @Caller() context: Context,
    @Randomness() random: Random,
    @RequestBody() { grace_seconds }: RotateKeyBody,
    @Param('id') text: string,
  ) {
    const { id } = await this.read(context, text);
    return shown(await this.keys.rotate(context, random, { id, grace_seconds }));
  }

  @Endpoint({
    method: 'DELETE',
    path: '/api/v1/api-keys/:id',
    access: 'full_access',
    summary: 'Revoke an API key',
    description: 'Once this has answered, no request that starts later is accepted with the key.',
    reply: { 204: null },
    errors: ['NOT_FOUND', 'LAST_ADMIN_KEY'],
  })
  async revoke(@Caller() context: Context, @Param('id') text: string): Promise<void> {
    const { id } = await this.read(context, text);
    await this.services.write('key.revoke', { context, id });
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/keys/me',
    access: 'any',
    summary: "Look at the caller's own key",
    description: AS_OF_A_KEY,
    query: asOfQuery,
    reply: { 200: apiKey },
  })
  async me(@Caller() context: Context, @RequestQuery() query: AsOfQuery) {
    return toApiKey(await this.services.read('key.get', { context, id: context.actor.id, ...query }));
  }

  private async read(context: Context, id: string, query: Partial<AsOfQuery> = {}): Promise<UsedKey> {
    const key = await this.services.read('key.get', { context, id: idInPath('api_key', id), ...query });
    if (key.kind !== 'household') throw notFound('api_key');
    return key;
  }
}

const shown = ({ view, plaintext_key }: FreshKey) => ({ ...toApiKey({ ...view, last_used_at: null }), plaintext_key });
