import { createHash, createHmac, generateKeyPairSync, randomBytes, randomUUID, type JsonWebKey } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type ProviderName } from './people.js';

/** A bank login that the product holds an access token for: Plaid calls it an item, Teller an enrollment. */
export interface Item {
  id: string;
  provider: ProviderName;
  /** The provider's own id of the institution. */
  institutionId: string;
  /** Who signed in last; decides which accounts the item sees. */
  person: string;
  state: 'live' | 'removed';
  loginRequired: boolean;
  webhook: string | null;
  /** How often its accounts were read successfully with the access token. */
  verified: number;
  removedAccounts: string[];
}

/** What a Plaid link token was created for. `itemId` is set in update mode. */
export interface LinkToken {
  clientName: string;
  webhook: string | null;
  itemId: string | null;
  expiresAt: number;
}

/** A Plaid public token names the item it becomes, so that every exchange of it answers the same. */
export interface PublicToken {
  item: Item;
  expiresAt: number;
}

interface Bank {
  /** Access tokens are derived from it and stand in no file. */
  tokenSecret: string;
  signingKey: JsonWebKey;
  signingKeyId: string;
  signingKeyCreatedAt: number;
}

interface Records {
  bank: Bank;
  item: Item;
  link: LinkToken;
  public: PublicToken;
}

/**
 * Everything the bank remembers, as a file of JSON lines where the last line of an id wins. A line is handed to the operating
 * system before the caller gets its answer, so it survives a kill of the process; a torn last line is one nobody was told about.
 */
export class Ledger {
  private readonly records: { [Kind in keyof Records]: Map<string, Records[Kind]> } = {
    bank: new Map(),
    item: new Map(),
    link: new Map(),
    public: new Map(),
  };
  private readonly itemIdByAccessToken = new Map<string, string>();
  private readonly file: number;
  readonly bank: Bank;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) this.load(readFileSync(path, 'utf8'));
    this.bank = this.records.bank.get('bank') ?? newBank();
    this.records.bank.set('bank', this.bank);
    writeFileSync(`${path}.new`, this.compacted(), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    this.file = openSync(path, 'a');
    for (const item of this.items()) this.itemIdByAccessToken.set(this.accessTokenOf(item), item.id);
  }

  close(): void {
    closeSync(this.file);
  }

  items(): Item[] {
    return [...this.records.item.values()];
  }

  item(id: string): Item | undefined {
    return this.records.item.get(id);
  }

  itemByAccessToken(accessToken: string): Item | undefined {
    return this.item(this.itemIdByAccessToken.get(accessToken) ?? '');
  }

  putItem(item: Item): void {
    this.put('item', item.id, item);
    this.itemIdByAccessToken.set(this.accessTokenOf(item), item.id);
  }

  /** Always the same for the same item, over restarts too. */
  accessTokenOf(item: Item): string {
    const proof = createHmac('sha256', this.bank.tokenSecret).update(item.id).digest('base64url');
    return item.provider === 'plaid' ? `access-sandbox-${proof}` : `token_${proof}`;
  }

  addLinkToken(link: LinkToken): string {
    const token = `link-sandbox-${randomUUID()}`;
    this.put('link', hashed(token), link);
    return token;
  }

  linkToken(token: string): LinkToken | undefined {
    return unexpired(this.records.link.get(hashed(token)));
  }

  addPublicToken(publicToken: PublicToken): string {
    const token = `public-sandbox-${randomUUID()}`;
    this.put('public', hashed(token), publicToken);
    return token;
  }

  publicToken(token: string): PublicToken | undefined {
    return unexpired(this.records.public.get(hashed(token)));
  }

  private put<Kind extends keyof Records>(kind: Kind, id: string, value: Records[Kind]): void {
    writeSync(this.file, line(kind, id, value));
    this.records[kind].set(id, value);
  }

  private load(text: string): void {
    for (const json of text.split('\n').slice(0, -1)) {
      const record = JSON.parse(json) as { kind: keyof Records; id: string; value: never };
      this.records[record.kind].set(record.id, record.value);
    }
  }

  /** The whole memory without overwritten lines and expired tokens. */
  private compacted(): string {
    const lines = (Object.keys(this.records) as (keyof Records)[]).flatMap((kind) =>
      [...this.records[kind]].filter(([, value]) => unexpired(value)).map(([id, value]) => line(kind, id, value)),
    );
    return lines.join('');
  }
}

const line = (kind: string, id: string, value: unknown): string => `${JSON.stringify({ kind, id, value })}\n`;

const hashed = (token: string): string => createHash('sha256').update(token).digest('hex');

function unexpired<T extends object>(value: T | undefined): T | undefined {
  const expired = value && 'expiresAt' in value && (value.expiresAt as number) <= Date.now();
  return expired ? undefined : value;
}

function newBank(): Bank {
  return {
    tokenSecret: randomBytes(32).toString('base64url'),
    signingKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    signingKeyId: randomUUID(),
    signingKeyCreatedAt: Math.floor(Date.now() / 1000),
  };
}
