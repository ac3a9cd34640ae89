import { createHmac, generateKeyPairSync, randomBytes, randomUUID, type JsonWebKey } from 'node:crypto';
import { sha256 } from '#contracts/ids.js';
import { JsonLines } from './json-lines.js';
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
  /** Of an enrollment of Teller's only where the page has named one: the others go to the application's. */
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

interface Line {
  kind: keyof Records;
  id: string;
  value: Records[keyof Records];
}

/** Everything the bank remembers, as a file of JSON lines where the last line of an id wins. */
export class Ledger {
  private readonly records: { [Kind in keyof Records]: Map<string, Records[Kind]> } = {
    bank: new Map(),
    item: new Map(),
    link: new Map(),
    public: new Map(),
  };
  private readonly itemIdByAccessToken = new Map<string, string>();
  private readonly file: JsonLines<Line>;
  readonly bank: Bank;

  constructor(path: string) {
    this.file = new JsonLines(path);
    for (const { kind, id, value } of this.file.read()) this.records[kind].set(id, value as never);
    this.bank = this.records.bank.get('bank') ?? newBank();
    this.records.bank.set('bank', this.bank);
    this.file.rewrite(this.compacted());
    for (const item of this.items()) this.itemIdByAccessToken.set(this.accessTokenOf(item), item.id);
  }

  close(): void {
    this.file.close();
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
    this.put('link', sha256(token), link);
    return token;
  }

  linkToken(token: string): LinkToken | undefined {
    return unexpired(this.records.link.get(sha256(token)));
  }

  addPublicToken(publicToken: PublicToken): string {
    const token = `public-sandbox-${randomUUID()}`;
    this.put('public', sha256(token), publicToken);
    return token;
  }

  publicToken(token: string): PublicToken | undefined {
    return unexpired(this.records.public.get(sha256(token)));
  }

  private put<Kind extends keyof Records>(kind: Kind, id: string, value: Records[Kind]): void {
    this.file.append({ kind, id, value });
    this.records[kind].set(id, value);
  }

  /** The whole memory without overwritten lines and expired tokens. */
  private compacted(): Line[] {
    return (Object.keys(this.records) as (keyof Records)[]).flatMap((kind) =>
      [...this.records[kind]].filter(([, value]) => unexpired(value)).map(([id, value]) => ({ kind, id, value })),
    );
  }
}

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
