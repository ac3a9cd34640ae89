import { randomBytes, randomInt } from 'node:crypto';
import { sha256 } from '#contracts/ids.js';
import { JsonLines } from './json-lines.js';

export type OauthShape = 'plain' | 'mercadopago' | 'shopify';

/** What a person can make go wrong at the authorize page, for this one grant. */
export const troubles = {
  none: 'Nothing goes wrong',
  expired_code: 'The code has expired',
  slow_token: 'The token endpoint is slow',
  dead_refresh: 'The refresh token is dead',
  short_life: 'The access token lives one minute',
} as const;
export type Trouble = keyof typeof troubles;

/** An account's permission, from the exchange of its code on. Tokens are kept as hashes. */
export interface Grant {
  id: string;
  shape: OauthShape;
  /** The account at the provider, as its replies name it. */
  userId: number;
  scope: string;
  trouble: Trouble;
  accessHash: string;
  accessExpiresAt: number | null;
  /** Null for a permission that does not expire. */
  refreshHash: string | null;
  refreshes: number;
  dead: boolean;
}

/** A code on its way through the browser. */
export interface PendingCode {
  shape: OauthShape;
  redirectUri: string;
  challenge: string;
  scope: string;
  trouble: Trouble;
  expiresAt: number;
  /** Set once the code was exchanged: a second use of it ends what the first one gave. */
  grantId?: string;
}

/**
 * The grants as a file of JSON lines, where the last line of an id wins: they outlive a restart, as a real provider's do.
 * Codes live ten minutes and only in memory.
 */
export class OauthGrants {
  private readonly grants = new Map<string, Grant>();
  private readonly codes = new Map<string, PendingCode>();
  private readonly file: JsonLines<Grant>;

  constructor(path: string) {
    this.file = new JsonLines(path);
    for (const grant of this.file.read()) this.grants.set(grant.id, grant);
    this.file.rewrite(this.all());
  }

  close(): void {
    this.file.close();
  }

  all(): Grant[] {
    return [...this.grants.values()];
  }

  put(grant: Grant): void {
    this.file.append(grant);
    this.grants.set(grant.id, grant);
  }

  byId(id: string): Grant | undefined {
    return this.grants.get(id);
  }

  byRefreshToken(token: string): Grant | undefined {
    return this.all().find(({ refreshHash }) => refreshHash === sha256(token));
  }

  byAccessToken(token: string): Grant | undefined {
    return this.all().find(({ accessHash }) => accessHash === sha256(token));
  }

  issueCode(pending: PendingCode): string {
    for (const [code, { expiresAt }] of this.codes) if (expiresAt + HOUR_MS < Date.now()) this.codes.delete(code);
    const code = `TG-${randomBytes(24).toString('hex')}`;
    this.codes.set(code, pending);
    return code;
  }

  code(code: string): PendingCode | undefined {
    return this.codes.get(code);
  }
}

const HOUR_MS = 60 * 60 * 1000;

export const newUserId = (): number => randomInt(100_000_000, 999_999_999);
