import { Injectable } from '@nestjs/common';
import type { ConnectionView } from '#contracts/connection.js';
import { type FreshTokens, freshTokens, type OldTokens, type Refresh } from './fresh-tokens.js';
import { OAuthClients } from './oauth-clients.js';
import { atShop } from './shop.js';
import { ConnectionTokens } from './token-store.js';
import { TokenTable } from './token-table.js';
import { refreshTokens, type Tokens } from './tokens.js';

/** Tokens that still live, for whoever uses a connection. */
@Injectable()
export class OAuthTokens {
  /** The clock, which a test may put forward. */
  now = (): Date => new Date();
  /** What a refresh of this version has given and could not be written down yet, by connection: it exists nowhere else. */
  private readonly inHand = new Map<string, { version: string; tokens: Tokens }>();
  /** Null when the connection does not live. */
  readonly fresh: FreshTokens;

  constructor(
    private readonly store: ConnectionTokens,
    private readonly table: TokenTable,
    private readonly clients: OAuthClients,
  ) {
    const refresh: Refresh = (id, credential) => this.refresh(id, credential);
    this.fresh = freshTokens({ store, refresh, now: () => this.now(), isInHand: (id) => this.isInHand(id) });
  }

  /** Is there something that is still to be written down, under the lease that this replica has kept? */
  isInHand(connectionId: string): boolean {
    return this.inHand.has(connectionId);
  }

  /** What was given for a connection that has ended since, or for a credential that was replaced, is of no use to anybody. */
  async forgetOutdated(): Promise<void> {
    for (const [id, kept] of this.inHand) {
      const isNeeded = (await this.store.version(id)) === kept.version;
      if (!isNeeded && this.inHand.get(id) === kept) this.inHand.delete(id);
    }
  }

  /**
   * What the provider has given lies in the vault before anything else happens: its old refresh token is over. A new link,
   * or a replica that took over from a worker that was held up, may have set another credential since this one was read.
   */
  private async refresh(connectionId: string, { refreshToken, version }: OldTokens): Promise<Tokens | null> {
    const view = await this.store.live(connectionId);
    const isThisVersion = view !== null && String(view.credential_version) === version;
    const before = isThisVersion ? await this.table.refreshed(view) : null;
    if (before || !isThisVersion) {
      this.inHand.delete(connectionId);
      return before;
    }
    const kept = this.inHand.get(connectionId);
    const tokens = kept?.version === version ? kept.tokens : await this.ask(view, refreshToken);
    this.inHand.set(connectionId, { version, tokens });
    await this.table.keepRefreshed(view, tokens);
    this.inHand.delete(connectionId);
    return tokens;
  }

  private ask({ server_id, metadata }: ConnectionView, refreshToken: string): Promise<Tokens> {
    const { shop } = metadata as { shop?: unknown };
    const client = atShop(this.clients.of(server_id), typeof shop === 'string' ? shop : null);
    return refreshTokens(client, refreshToken, this.now());
  }
}
