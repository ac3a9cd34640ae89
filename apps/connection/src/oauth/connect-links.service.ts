import { Injectable } from '@nestjs/common';
import type { ConnectLinkEnding, ConnectLinkWish } from '#contracts/connect-link.js';
import type { Context, Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { logger } from '#service/logger.js';
import { ConnectionViews } from '../connection-views.js';
import {
  finishConnectLink,
  type LinkOutcome,
  resultRedirect,
  type StartedConnectLink,
  startConnectLink,
} from './connect-link.js';
import { FinishLinks } from './finish-links.js';
import { LinkRecord } from './link-record.js';
import { type ConnectLink, isState, type LinkStates } from './link-state.js';
import { LinkTable } from './link-table.js';
import { OAuthClients } from './oauth-clients.js';
import { isSignedByShopify } from './shop.js';
import type { Tokens } from './tokens.js';

/**
 * Leads a Connect Link from its start to a connection. The code, and then the tokens, lie in the vault before the next step,
 * so that a crash leaves no token at a provider without a connection (docs/decisions/0011).
 */
@Injectable()
export class ConnectLinks {
  constructor(
    private readonly clients: OAuthClients,
    private readonly table: LinkTable,
    private readonly record: LinkRecord,
    private readonly finishing: FinishLinks,
    private readonly views: ConnectionViews,
  ) {}

  /** A row whose start is not on record stays behind: nobody is given its state. */
  async start(
    context: Context,
    { state, ...wish }: ConnectLinkWish & { state: string },
  ): Promise<StartedConnectLink & { position: Position }> {
    const client = this.clients.of(wish.server_id);
    const { user_id: userId, redirect_uri: redirectUri, callback_url: callbackUrl, scopes, shop } = wish;
    const link = {
      ...{ tenant: context.tenant, userId, redirectUri, callbackUrl },
      shop: client.authorizeUrl.includes('{shop}') ? (shop?.replace('.myshopify.com', '') ?? null) : null,
    };
    const states = { put: (row: Parameters<LinkTable['put']>[0]) => this.table.put(row, context) };
    const wanted = { link, state, ...(scopes && { scopes }), now: new Date() };
    const started = await startConnectLink(states, client, wanted);
    const stateHash = hashSecret(state);
    const recorded = await this.recordStart(context, stateHash, { ...wish, ...started });
    if (recorded.expires_at !== started.expires_at) await this.table.endAt(stateHash, recorded.expires_at);
    return { ...started, ...recorded };
  }

  private async recordStart(context: Context, stateHash: string, started: ConnectLinkWish & StartedConnectLink) {
    const { server_id, user_id, redirect_uri, expires_at } = started;
    try {
      return await this.record.start(context, stateHash, { server_id, user_id, redirect_uri, expires_at });
    } catch (error) {
      // The record of that name is another link's, which must not be told how this one ends.
      if (error instanceof DomainError && error.code === 'ID_TAKEN') await this.table.forget(stateHash);
      throw error;
    }
  }

  /** Where the browser goes; null for a state that is unknown, used or forged, with which nothing happens. */
  async finish(context: Context, server_id: string, parameters: Record<string, unknown>): Promise<string | null> {
    const outcome = await this.outcomeOf(context, server_id, parameters);
    if (outcome.kind === 'unknown') return null;
    const { stateHash, link } = outcome;
    if (outcome.kind === 'connected') return this.redirect(link, () => this.connect(stateHash, outcome.tokens));
    const { kind, error } = outcome;
    // Without a verdict the provider may have given tokens all the same: the sweep will ask it again.
    if (error === 'provider_unreachable') this.finishing.recordTrouble(stateHash, error);
    else await this.finishing.end(stateHash, endingOf(outcome));
    return resultRedirect(link.redirectUri, { status: kind, error });
  }

  private async outcomeOf(
    context: Context,
    server_id: string,
    parameters: Record<string, unknown>,
  ): Promise<LinkOutcome> {
    const client = this.clientOrNull(server_id);
    if (!client) return { kind: 'unknown' };
    if (client.signsCallback && !isSignedByShopify(parameters, client.clientSecret)) return { kind: 'unknown' };
    const states: Pick<LinkStates, 'take'> = {
      take: (stateHash, serverId, read) => this.table.take(stateHash, { serverId, context }, read),
    };
    const outcome = await finishConnectLink(states, client, { parameters, now: new Date() });
    if (outcome.kind === 'unknown') await this.recordRefusal(context, parameters.state);
    return outcome;
  }

  /** The state of a link that waits for its own server is not used yet. */
  private async recordRefusal(context: Context, state: unknown): Promise<void> {
    if (!isState(state)) return;
    const stateHash = hashSecret(state);
    try {
      if (!(await this.table.isOpen(stateHash))) await this.record.refuseUse(context, stateHash);
    } catch (error) {
      logger.warn({ error: String(error) }, 'a refused use of a Connect Link is not on record');
    }
  }

  private clientOrNull(server_id: string) {
    try {
      return this.clients.of(server_id);
    } catch (error) {
      if (error instanceof DomainError) return null;
      throw error;
    }
  }

  /** The app asks for the connection as soon as the browser is there. */
  private async connect(stateHash: string, tokens: Tokens): Promise<string> {
    const { connection_id, position } = await this.finishing.take(stateHash, tokens);
    await this.views.reached(position).catch(() => undefined);
    return connection_id;
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
}

function endingOf({ kind, error }: { kind: 'denied' | 'error'; error: string }): ConnectLinkEnding {
  if (kind === 'denied') return { type: 'RecordDenial' };
  return error === 'link_expired' ? { type: 'ExpireConnectLink' } : { type: 'RecordFailure', error };
}
