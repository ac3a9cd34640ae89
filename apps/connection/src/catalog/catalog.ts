import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Server, server, takesSecret } from '#contracts/api/servers.js';
import { DomainError } from '#contracts/errors.js';
import { fromSetting, SettingsError } from '#service/settings-error.js';
import { playedBy, sandboxServers } from './sandbox-servers.js';
import { builtIn } from './servers.js';

/** An entry must hold together: what is handed over has names, what is authorized says where. */
const entry = server
  .strict()
  .refine((one) => !takesSecret(one) || one.secret_names.length > 0, 'needs secret_names')
  .refine((one) => new Set(one.secret_names).size === one.secret_names.length, 'names a secret twice')
  .refine((one) => one.auth_type !== 'oauth' || one.oauth !== null, 'needs oauth endpoints')
  .superRefine((one, context) => {
    const names = namesUsed(one);
    if (names === null || isSame(names, one.secret_names)) return;
    context.addIssue({ code: 'custom', message: `needs the secret_names ${names.join(' and ')}` });
  });

/** The names by which our code finds the secrets of a server; null where it needs none of them. */
function namesUsed({ auth_type, validation }: Server): string[] | null {
  if (auth_type === 'cert') return ['cert', 'key'];
  if (auth_type === 'jwt_ecdsa') return ['key_name', 'private_key'];
  return auth_type === 'hmac_signed' && validation !== null ? ['access_key', 'secret'] : null;
}

const isSame = (names: string[], declared: string[]): boolean =>
  declared.length === names.length && names.every((name) => declared.includes(name));

export interface CatalogSources {
  CATALOG_FILE?: string | undefined;
  SANDBOX: boolean;
  SANDBOX_BANK_URL?: string | undefined;
}

/** The servers a connection can be made to; checked once, at start. */
export class Catalog {
  private readonly byId: Map<string, Server>;

  constructor(
    entries: unknown[],
    private readonly sandboxUrl: string | null = null,
  ) {
    const parsed = entries.map(checked);
    this.byId = new Map(parsed.map((one) => [one.id, one]));
    const twice = parsed.find((one) => this.byId.get(one.id) !== one);
    // What comes along has none twice.
    if (twice) throw new SettingsError(`CATALOG_FILE: the catalog has two entries "${twice.id}"`);
  }

  static from({ CATALOG_FILE, SANDBOX, SANDBOX_BANK_URL }: CatalogSources, clients: string[] = []): Catalog {
    const bank = (SANDBOX && SANDBOX_BANK_URL) || null;
    const own = bank === null ? builtIn : [...playedBy(bank, builtIn, clients), ...sandboxServers(bank)];
    const catalog = new Catalog([...own, ...(CATALOG_FILE ? entriesOf(CATALOG_FILE) : [])], bank);
    const unknown = catalog.unknown(clients);
    if (unknown.length === 0) return catalog;
    throw new SettingsError(`OAUTH_CLIENTS or its file: the catalog has no server ${unknown.join(', ')}`);
  }

  all(): Server[] {
    return [...this.byId.values()];
  }

  find(id: string): Server | undefined {
    return this.byId.get(id);
  }

  /** The server with this id; refuses what the catalog does not know. */
  get(id: string): Server {
    const found = this.find(id);
    if (!found) throw new DomainError('SERVER_UNKNOWN');
    return found;
  }

  /** Whether it is the sandbox bank's address: no other may be on this machine or without TLS. */
  isOfSandbox(address: string): boolean {
    return this.sandboxUrl !== null && new URL(address).origin === new URL(this.sandboxUrl).origin;
  }

  /** Ids that the catalog does not know, each once. */
  unknown(ids: string[]): string[] {
    return [...new Set(ids)].filter((id) => !this.byId.has(id));
  }
}

function checked(value: unknown): Server {
  const parsed = entry.safeParse(value);
  if (parsed.success) return parsed.data;
  const { id } = (value ?? {}) as { id?: unknown };
  throw new Error(`the entry ${JSON.stringify(id)} is not valid: ${z.prettifyError(parsed.error)}`);
}

function entriesOf(file: string): Server[] {
  return fromSetting(`CATALOG_FILE ${file}`, () => {
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    if (!Array.isArray(value)) throw new Error('must hold a JSON list of entries');
    return value.map(checked);
  });
}
