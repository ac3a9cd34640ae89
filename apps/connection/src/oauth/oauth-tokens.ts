import { Injectable } from '@nestjs/common';
import { freshTokens } from './fresh-tokens.js';
import { OAuthClients } from './oauth-clients.js';
import { atShop } from './shop.js';
import { ConnectionTokens } from './token-store.js';
import { TokenTable } from './token-table.js';
import { OAuthError, refreshTokens, type Tokens } from './tokens.js';

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
    const refresh = (id: string, refreshToken: string) => this.refresh(id, refreshToken);
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

  /** What the provider has given lies in the vault before anything else happens: its old refresh token is over. */
  private async refresh(connectionId: string, refreshToken: string): Promise<Tokens> {
    const view = await this.store.live(connectionId);
    if (!view) throw new OAuthError('provider_rejected');
    const before = await this.table.refreshed(view);
    if (before) return before;
    const { shop } = view.metadata as { shop?: unknown };
    const client = atShop(this.clients.of(view.server_id), typeof shop === 'string' ? shop : null);
    const tokens = await refreshTokens(client, refreshToken, this.now());
    await this.table.keepRefreshed(view, tokens);
    return tokens;
  }
}
