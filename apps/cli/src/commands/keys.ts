import { type ApiKey, createKeyBody, toApiKey } from '#contracts/api/api-keys.js';
import { createPlatformKeyBody, type PlatformKey, toPlatformKey } from '#contracts/api/platform.js';
import { defaultTenant, type Tenant } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { type HouseholdScope, type KeyTerms, type KeyView, platformScopes } from '#contracts/key.js';
import { keyIdentity, newHouseholdKey, newPlatformKey, type Random } from '#contracts/secrets.js';
import { dataOf, numberOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { UsageError } from '../errors.js';
import { askLocally, operatorContext } from '../local-bus.js';
import { asOf, asOfOption } from '../one-thing.js';
import type { LocalStack } from '../run-file.js';
import { valid } from './projects.js';

/** Whichever kind of key it is, its text stands under the same name. */
type CreatedKey = (ApiKey | PlatformKey) & { plaintext_key: string };

export const keyCommands: Command[] = [
  {
    words: 'keys create',
    does: 'Create an API key and show it once; --platform or --env test makes a csk_ key. On this machine it needs no key.',
    options: {
      ...{ name: 'NAME', scope: 'read_only|full_access' },
      ...{ project: 'PROJECT', env: 'live|test', platform: true },
    },
    required: ['name'],
    async run(given, cli) {
      const created = await create(given, cli);
      if (cli.json) return cli.show(created);
      const scope = given.option.scope ?? 'read_only';
      cli.say(
        `${created.name} may ${scope === 'full_access' ? 'do everything' : 'read'}. Its key is shown only now:\n`,
      );
      cli.say(`  export LATCHKEY_API_KEY=${created.plaintext_key}`);
    },
  },
  {
    words: 'keys list',
    does: 'List the API keys, newest first.',
    options: { limit: 'N', cursor: 'CURSOR' },
    async run({ option: { limit, cursor } }, cli) {
      const query = { limit: numberOf(limit), cursor };
      const page = await dataOf(cli.api.GET('/api/v1/api-keys', { params: { query } }));
      cli.showPage(page, page.api_keys, [
        'short_id',
        'name',
        'key_prefix',
        'scope',
        'created_at',
        'expires_at',
        'revoked_at',
      ]);
    },
  },
  {
    words: 'keys show',
    does: 'Show one API key, or with --as-of as it was.',
    takes: ['key'],
    options: asOfOption,
    async run({ at: [id], option }, cli) {
      cli.show(await dataOf(cli.api.GET('/api/v1/api-keys/{id}', asOf(id, option))));
    },
  },
  {
    words: 'keys revoke',
    does: 'Revoke an API key: once this answers, nothing accepts it.',
    takes: ['key'],
    async run({ at: [id] }, cli) {
      await cli.api.DELETE('/api/v1/api-keys/{id}', { params: { path: { id: id! } } });
      cli.done({ id, status: 'revoked' }, 'Revoked.');
    },
  },
];

async function create(given: Given, cli: Cli): Promise<CreatedKey> {
  const { env } = valid(createPlatformKeyBody.pick({ env: true }), { env: given.option.env });
  const isPlatform = given.has.has('platform') || env === 'test';
  if (cli.isOperator) return isPlatform ? createPlatformLocally(given, cli.local!) : createLocally(given, cli.local!);
  return isPlatform ? createPlatformRemotely(given, cli) : createRemotely(given, cli);
}

async function createRemotely({ command, option: { name, scope, project } }: Given, cli: Cli): Promise<CreatedKey> {
  if (project !== undefined) {
    const words = 'A household key belongs to the project of the key that makes it; --platform makes one elsewhere.';
    const hint = cli.local ? ' On this machine it works without a key: unset LATCHKEY_API_KEY.' : '';
    throw new UsageError(words + hint, command.words);
  }
  const body = { name: name!, scope: scope as HouseholdScope | undefined };
  return dataOf(cli.api.POST('/api/v1/api-keys', { body }));
}

async function createPlatformRemotely({ option }: Given, { api }: Cli): Promise<CreatedKey> {
  const { name, scopes } = platformTerms(option);
  const body = { name, scopes, env: option.env as Tenant['environment'] | undefined, project_id: option.project };
  const created = await dataOf(api.POST('/v1/api-keys', { body }));
  return { ...created, plaintext_key: created.full_key };
}

/** Over the local bus, so that the first key needs none. Only its hash leaves this process. */
export async function createLocally(
  { option }: Pick<Given, 'option'>,
  local: LocalStack,
  random?: Random,
): Promise<ApiKey & { plaintext_key: string }> {
  const { name, scope } = valid(createKeyBody, { name: option.name, scope: option.scope });
  const tenant = { ...(await projectOf(option.project, local)), environment: 'live' as const };
  return withFreshId(async () => {
    const plaintext_key = newHouseholdKey(random);
    const view = await keep(local, tenant, { kind: 'household', name, scopes: [scope] }, plaintext_key);
    return { ...toApiKey({ ...view, last_used_at: null }), plaintext_key };
  });
}

async function createPlatformLocally({ option }: Given, local: LocalStack): Promise<CreatedKey> {
  const { name, env, scopes } = platformTerms(option);
  const tenant = { ...(await projectOf(option.project, local)), environment: env ?? 'live' };
  return withFreshId(async () => {
    const full_key = newPlatformKey(tenant.environment);
    const view = await keep(local, tenant, { kind: 'platform', name, scopes }, full_key);
    return { ...toPlatformKey({ ...view, last_used_at: null }), full_key, plaintext_key: full_key };
  });
}

/** The scopes of the platform that a scope of the household stands for. */
function platformTerms({ name, scope, env }: Given['option']) {
  const terms = { ...valid(createKeyBody, { name, scope }), ...valid(createPlatformKeyBody, { name, env }) };
  const scopes = platformScopes.filter((one) => terms.scope === 'full_access' || one.endsWith(':read'));
  return { name: terms.name, env: terms.env, scopes };
}

async function projectOf(named: string | undefined, local: LocalStack): Promise<Pick<Tenant, 'project_id'>> {
  if (named === undefined) return { project_id: defaultTenant.project_id };
  return { project_id: (await askLocally(local, 'key.project.get', { id: named })).id };
}

async function keep(
  local: LocalStack,
  tenant: Tenant,
  wish: Pick<KeyTerms, 'kind' | 'name' | 'scopes'>,
  key: string,
): Promise<KeyView> {
  const context = operatorContext(tenant);
  const rest = { actor_name: null, created_by: context.actor.name, expires_at: null };
  const terms = { ...keyIdentity(key), ...tenant, ...wish, ...rest };
  return (await askLocally(local, 'key.create', { context, terms })).view;
}
