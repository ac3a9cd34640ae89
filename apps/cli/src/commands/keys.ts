import { randomUUID } from 'node:crypto';
import { type ApiKey, createKeyBody, toApiKey } from '#contracts/api/api-keys.js';
import { type Context, defaultTenant } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { keyIdentity, newHouseholdKey, type Random } from '#contracts/secrets.js';
import type { HouseholdScope } from '#contracts/key.js';
import { dataOf, numberOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { askLocally } from '../local-bus.js';
import type { LocalStack } from '../run-file.js';

const DEADLINE_MS = 5_000;

type CreatedKey = ApiKey & { plaintext_key: string };

export const keyCommands: Command[] = [
  {
    words: 'keys create',
    does: 'Create an API key and show it once. On this machine it needs no key.',
    options: { name: 'NAME', scope: 'read_only|full_access' },
    required: ['name'],
    async run(given, cli) {
      const created =
        cli.key === undefined && cli.local ? await createLocally(given, cli.local) : await createRemotely(given, cli);
      if (cli.json) return cli.show(created);
      cli.say(
        `${created.name} may ${created.scope === 'full_access' ? 'do everything' : 'read'}. Its key is shown only now:\n`,
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
    words: 'keys revoke',
    does: 'Revoke an API key: once this answers, nothing accepts it.',
    takes: ['key'],
    async run({ at: [id] }, cli) {
      await cli.api.DELETE('/api/v1/api-keys/{id}', { params: { path: { id: id! } } });
      cli.say('Revoked.');
    },
  },
];

const createRemotely = ({ option: { name, scope } }: Given, { api }: Cli): Promise<CreatedKey> =>
  dataOf(api.POST('/api/v1/api-keys', { body: { name: name!, scope: scope as HouseholdScope | undefined } }));

/** Over the local bus, so that the first key needs none. Only its hash leaves this process. */
export async function createLocally(
  { option }: Pick<Given, 'option'>,
  local: LocalStack,
  random?: Random,
): Promise<CreatedKey> {
  const body = createKeyBody.safeParse({ name: option.name, scope: option.scope });
  if (!body.success) {
    const [issue] = body.error.issues;
    throw new CliError('VALIDATION_ERROR', `${issue!.path.join('.')} ${issue!.message}`);
  }
  const { name, scope } = body.data;
  return withFreshId(async () => {
    const plaintext_key = newHouseholdKey(random);
    const terms = {
      ...keyIdentity(plaintext_key),
      ...defaultTenant,
      kind: 'household' as const,
      name,
      scopes: [scope],
      actor_name: null,
      created_by: 'command line',
      expires_at: null,
    };
    const { view } = await askLocally(local, 'key.create', { context: operatorContext(), terms });
    return { ...toApiKey({ ...view, last_used_at: null }), plaintext_key };
  });
}

const operatorContext = (): Context => ({
  tenant: defaultTenant,
  actor: { type: 'operator', id: 'command-line', name: 'command line' },
  request_id: randomUUID(),
  command_id: randomUUID(),
  address: null,
  key_prefix: null,
  deadline: Date.now() + DEADLINE_MS,
});
