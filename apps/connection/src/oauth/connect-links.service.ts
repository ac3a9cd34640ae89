import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { platformConnectionId, shortIdOf, uuidV5 } from '#contracts/ids.js';
import type { ConnectLinkWish } from '#contracts/connect-link.js';
import { logger } from '#service/logger.js';
import { StoreConnection } from '../store-connection.js';
import { finishConnectLink, type LinkOutcome, resultRedirect, startConnectLink } from './connect-link.js';
import type { ConnectLink } from './link-state.js';
import { type Approved, LinkTable } from './link-table.js';
import { OAuthClients } from './oauth-clients.js';
import { atShop, isSignedByShopify } from './shop.js';
import { refreshAt, shownOf, toSecret } from './stored-tokens.js';
import { exchangeCode, OAuthError, type Tokens } from './tokens.js';

const LINK = '6b1d6a8e-52f1-5d53-9e1a-0a4f6f0d2c11';
const STORE_MS = 4_000;

/**
 * Leads a Connect Link from its start to a connection. The code, and then the tokens, lie in the vault before the next step,
 * so that a crash leaves no token at a provider without a connection (docs/decisions/0011).
 */
@Injectable()
export class ConnectLinks {
  constructor(
    private readonly clients: OAuthClients,
    private readonly table: LinkTable,
    private readonly storing: StoreConnection,
  ) {}

  start(context: Context, { state, ...wish }: ConnectLinkWish & { state: string }) {
    const client = this.clients.of(wish.server_id);
    const { user_id: userId, redirect_uri: redirectUri, callback_url: callbackUrl, scopes, shop } = wish;
    const link = {
      ...{ tenant: context.tenant, userId, redirectUri, callbackUrl },
      shop: client.authorizeUrl.includes('{shop}') ? (shop?.replace('.myshopify.com', '') ?? null) : null,
    };
    const states = { put: (row: Parameters<LinkTable['put']>[0]) => this.table.put(row, context) };
    return startConnectLink(states, client, { link, state, ...(scopes && { scopes }), now: new Date() });
  }

  /** Where the browser goes; null for a state that is unknown, used or forged, with which nothing happens. */
  async finish(server_id: string, parameters: Record<string, unknown>): Promise<string | null> {
    const outcome = await this.outcomeOf(server_id, parameters);
    if (outcome.kind === 'unknown') return null;
    const { stateHash, link } = outcome;
    if (outcome.kind === 'connected') {
      await this.table.learn(stateHash, outcome.tokens);
      return this.redirect(link, () => this.connect(stateHash, outcome.tokens));
    }
    // Without a verdict the provider may have given tokens all the same: the sweep will ask it again.
    if (outcome.error !== 'provider_unreachable') await this.table.close(stateHash);
    return resultRedirect(link.redirectUri, { status: outcome.kind, error: outcome.error });
  }

  private async outcomeOf(server_id: string, parameters: Record<string, unknown>): Promise<LinkOutcome> {
    const client = this.clientOrNull(server_id);
    if (!client) return { kind: 'unknown' };
    if (client.signsCallback && !isSignedByShopify(parameters, client.clientSecret)) return { kind: 'unknown' };
    const states = {
      put: () => Promise.reject(new Error('nothing is begun at the end')),
      take: (...wanted: Parameters<LinkTable['take']>) => this.table.take(...wanted),
      receive: (...received: Parameters<LinkTable['receive']>) => this.table.receive(...received),
    };
    return finishConnectLink(states, client, { parameters, now: new Date() });
  }

  private clientOrNull(server_id: string) {
    try {
      return this.clients.of(server_id);
    } catch (error) {
      if (error instanceof DomainError) return null;
      throw error;
    }
  }

  /** What cannot be stored right now is stored by the sweep. */
  private async redirect({ redirectUri }: ConnectLink, connect: () => Promise<string>): Promise<string> {
    try {
      return resultRedirect(redirectUri, { status: 'connected', connection_id: await connect() });
    } catch (error) {
      logger.warn({ error: String(error) }, 'a Connect Link is not finished yet');
      return resultRedirect(redirectUri, { status: 'error', error: 'unavailable' });
    }
  }

  /** May be repeated: the wish is named by the link. */
  private async connect(stateHash: string, tokens: Tokens): Promise<string> {
    const approved = await this.table.find(stateHash);
    if (!approved) throw new Error('a Connect Link has gone while it was under way');
    const { link, made } = approved;
    const command_id = uuidV5(LINK, stateHash);
    const context = { ...made, tenant: link.tenant, command_id, deadline: Date.now() + STORE_MS };
    const { view } = await this.storing.tokens(context, {
      ...{ short_id: shortIdOf(stateHash), server_id: link.serverId, user_id: link.userId },
      ...{ secret: toSecret(tokens), metadata: shownOf(tokens, link.shop) },
      token_refresh_at: refreshAt(tokens)?.toISOString() ?? null,
      expires_at: tokens.refreshToken === null ? (tokens.expiresAt?.toISOString() ?? null) : null,
    });
    await this.table.close(stateHash);
    return platformConnectionId(view.id);
  }

  /** Finishes what a worker that died has left, and what the provider gave no verdict on. */
  async resume(): Promise<void> {
    for (const approved of await this.table.unfinished()) {
      await this.again(approved).catch((error: unknown) => {
        logger.info({ error: String(error) }, 'a Connect Link is not finished yet');
      });
    }
    await this.table.sweep();
  }

  /** A code that was used already is refused, and providers then end what it gave. */
  private async again({ stateHash, link, step }: Approved): Promise<void> {
    if (step === 'learnt') return void (await this.connect(stateHash, await this.table.tokensOf(stateHash)));
    try {
      const code = await this.table.codeOf(stateHash);
      const client = atShop(this.clients.of(link.serverId), link.shop);
      const tokens = await exchangeCode(client, { ...code, callbackUrl: link.callbackUrl, now: new Date() });
      await this.table.learn(stateHash, tokens);
      await this.connect(stateHash, tokens);
    } catch (error) {
      if (!(error instanceof OAuthError) || error.code === 'provider_unreachable') throw error;
      await this.table.close(stateHash);
    }
  }
}
