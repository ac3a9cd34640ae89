import { Injectable } from '@nestjs/common';
import { freshTokens, type Refresh } from './fresh-tokens.js';
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
  private readonly opening = new Map<string, Promise<Tokens | null>>();
  private readonly refreshed;

  constructor(
    private readonly store: ConnectionTokens,
    private readonly table: TokenTable,
    private readonly clients: OAuthClients,
  ) {
    const refresh: Refresh = (id, credential) => this.refresh(id, credential);
    this.refreshed = freshTokens({ store, refresh, now: () => this.now() });
  }

  /** Null when the connection does not live. All who ask at the same moment share one opening of the credential. */
  fresh(connectionId: string): Promise<Tokens | null> {
    const open = this.opening.get(connectionId);
    if (open) return open;
    const opening = this.refreshed(connectionId).finally(() => this.opening.delete(connectionId));
    this.opening.set(connectionId, opening);
    return opening;
  }

  /**
   * What the provider has given lies in the vault before anything else happens: its old refresh token is over. A new link,
   * or a replica that took over from a worker that was held up, may have set another credential since this one was read.
   */
  private async refresh(...[connectionId, { refreshToken, version }]: Parameters<Refresh>): Promise<Tokens | null> {
    const view = await this.store.live(connectionId);
    if (!view || String(view.credential_version) !== version) return null;
    const before = await this.table.refreshed(view);
    if (before) return before;
    const { shop } = view.metadata as { shop?: unknown };
    const client = atShop(this.clients.of(view.server_id), typeof shop === 'string' ? shop : null);
    const tokens = await refreshTokens(client, refreshToken, this.now());
    await this.table.keepRefreshed(view, tokens);
    return tokens;
  }
}
