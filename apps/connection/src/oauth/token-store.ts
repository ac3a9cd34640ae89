import { Injectable } from '@nestjs/common';
import type { ConnectionCommand, ConnectionView } from '#contracts/connection.js';
import { systemContext } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { Connections } from '../connections.service.js';
import { CredentialStorage } from '../credential-storage.js';
import { Credentials } from '../credentials.service.js';
import type { StoredTokens, TokenStore } from './fresh-tokens.js';
import { fromSecret, refreshAt, toSecret } from './stored-tokens.js';
import { TokenTable } from './token-table.js';
import type { Tokens } from './tokens.js';

const OVER = new Set(['CONFLICT', 'CONNECTION_DISCONNECTED', 'NOT_FOUND']);

/** Tokens of connections, where the connection's own stream says which version of them lives. */
@Injectable()
export class ConnectionTokens implements TokenStore {
  constructor(
    private readonly connections: Connections,
    private readonly credentials: Credentials,
    private readonly storage: CredentialStorage,
    private readonly table: TokenTable,
  ) {}

  async read(connectionId: string): Promise<StoredTokens | null> {
    const view = await this.live(connectionId);
    if (!view) return null;
    try {
      const { secret, version } = await this.credentials.openNamed(
        view,
        'oauth_tokens',
        systemContext(view, tokenRefresh),
      );
      return { tokens: fromSecret(secret), version: String(version) };
    } catch (error) {
      if (isOver(error)) return null;
      throw error;
    }
  }

  async version(connectionId: string): Promise<string | null> {
    const view = await this.live(connectionId);
    return view && String(view.credential_version);
  }

  async live(connectionId: string): Promise<ConnectionView | null> {
    const view = await this.connections.find(connectionId);
    return view?.state === 'connected' && view.auth_type === 'oauth' ? view : null;
  }

  async replace(connectionId: string, version: string, tokens: Tokens): Promise<boolean> {
    const replaced = await this.record(connectionId, version, tokens);
    // Not recorded, and no other credential either: so many wrote to the connection at once that the record came to nothing.
    if (!replaced && (await this.version(connectionId)) === version) throw new DomainError('UNAVAILABLE');
    // Recorded or not wanted any more; an error leaves that open, and then these tokens are all there is.
    await this.table.forgetRefreshed(connectionId, version);
    return replaced;
  }

  private async record(connectionId: string, version: string, tokens: Tokens): Promise<boolean> {
    const view = await this.live(connectionId);
    if (!view || String(view.credential_version) !== version) return false;
    const { id, project_id, environment } = view;
    const slot = { connection_id: id, project_id, environment, field: 'credential' as const };
    const from_version = Number(version);
    const replaced = await unlessOver(
      this.storage.keep(slot, { secret: toSecret(tokens), above: from_version }, async (credential_version) => {
        const command = refreshCommand(tokens, { from_version, credential_version });
        await this.connections.command(id, command, systemContext(view, tokenRefresh));
        return { result: true, version: credential_version };
      }),
    );
    return replaced ?? false;
  }

  async expire(connectionId: string, version: string): Promise<void> {
    const view = await this.live(connectionId);
    if (!view) return;
    const command = { type: 'Expire', version: Number(version), now: new Date().toISOString() } as const;
    await unlessOver(this.connections.command(connectionId, command, systemContext(view, tokenRefresh)));
  }

  takeLease(connectionId: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.table.takeLease(connectionId, holder, milliseconds);
  }

  dropLease(connectionId: string, holder: string): Promise<void> {
    return this.table.dropLease(connectionId, holder);
  }
}

function refreshCommand(
  tokens: Tokens,
  versions: { from_version: number; credential_version: number },
): Extract<ConnectionCommand, { type: 'RecordRefresh' }> {
  const token_refresh_at = refreshAt(tokens)?.toISOString() ?? null;
  return { type: 'RecordRefresh', ...versions, token_refresh_at, now: new Date().toISOString() };
}

const isOver = (error: unknown): boolean => error instanceof DomainError && OVER.has(error.code);

/** Null when the connection has ended or has another credential by now. */
async function unlessOver<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (isOver(error)) return null;
    throw error;
  });
}

const tokenRefresh = { id: 'token_refresh', name: 'token refresh' };
