import { randomUUID } from 'node:crypto';
import { type ApiKey, createKeyBody, toApiKey } from '#contracts/api/api-keys.js';
import { type Context, defaultTenant } from '#contracts/envelope.js';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
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
      const page = await cli.api.get<{ api_keys: ApiKey[]; next_cursor: string | null }>('/api/v1/api-keys', {
        limit,
        cursor,
      });
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
      await cli.api.delete(`/api/v1/api-keys/${encodeURIComponent(id!)}`);
      cli.say('Revoked.');
    },
  },
];

const createRemotely = ({ option: { name, scope } }: Given, { api }: Cli): Promise<CreatedKey> =>
  api.post<CreatedKey>('/api/v1/api-keys', { name, scope });

/** Over the local bus, so that the first key needs none. Only its hash leaves this process. */
async function createLocally({ option }: Given, local: LocalStack): Promise<CreatedKey> {
  const body = createKeyBody.safeParse({ name: option.name, scope: option.scope });
  if (!body.success) {
    const [issue] = body.error.issues;
    throw new CliError('VALIDATION_ERROR', `${issue!.path.join('.')} ${issue!.message}`);
  }
  const key = newHouseholdKey();
  const terms = {
    ...keyIdentity(key),
    ...defaultTenant,
    kind: 'household' as const,
    name: body.data.name,
    scopes: [body.data.scope],
    actor_name: null,
    created_by: 'command line',
    expires_at: null,
  };
  const { view } = await askLocally(local, 'key.create', { context: operatorContext(), terms });
  return { ...toApiKey(view), plaintext_key: key };
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
