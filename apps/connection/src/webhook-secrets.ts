import { Injectable } from '@nestjs/common';
import type { ConnectionView } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Changed, Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { Vault } from './vault/vault.service.js';
import { anyEqual, digests } from './webhook-schemes/scheme.js';

/** So many others may be set meanwhile. */
const ATTEMPTS = 3;

/** A secret that counts, `until` a time or until another one is set. */
export interface SecretInForce {
  secret: string;
  until: string | null;
}

interface SealedSecret {
  sealed: string;
  grace_seconds: number;
}

/** Secrets with which providers sign what they deliver: written, and never read by any caller. */
@Injectable()
export class WebhookSecrets {
  constructor(
    private readonly connections: Connections,
    private readonly storage: CredentialStorage,
    private readonly vault: Vault,
  ) {}

  /** The current one, and the one before within its grace; none when none was set. */
  async inForce(view: ConnectionView): Promise<SecretInForce[]> {
    const { webhook_version, webhook_previous, webhook_previous_until } = view;
    const named = [
      { version: webhook_version, until: null },
      { version: webhook_previous, until: webhook_previous_until },
    ];
    const found = await Promise.all(
      named.map(async ({ version, until }) => ({ secret: version && (await this.read(view, version)), until })),
    );
    return found.filter((one): one is SecretInForce => Boolean(one.secret));
  }

  private read({ id: connection_id, project_id, environment }: ConnectionView, version: number) {
    return this.vault.read({ connection_id, project_id, environment, field: 'webhook_secret' }, version);
  }

  /**
   * May be repeated: the secret that is in force already, sent with a grace, changes nothing, so that the one before keeps its
   * time. Without a grace it ends the one before.
   */
  async set(context: Context, view: ConnectionView, { sealed, grace_seconds }: SealedSecret): Promise<Changed> {
    const secret = this.storage.unseal(sealed);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.replace(context, view, { secret, grace_seconds });
      } catch (error) {
        if (attempt === ATTEMPTS || !isOvertaken(error)) throw error;
      }
      view = await this.connections.readAny(context.tenant, view.id);
    }
  }

  /** Throws CONFLICT when another one is in force by now than the view says. */
  private async replace(
    context: Context,
    view: ConnectionView,
    { secret, grace_seconds }: { secret: string; grace_seconds: number },
  ): Promise<Changed> {
    // Before the vault: a connection that is over takes no secret, not even for a moment.
    if (view.state === 'revoked') throw new DomainError('CONNECTION_DISCONNECTED');
    const from_version = view.webhook_version;
    const record = (version: number) => {
      const now = new Date().toISOString();
      const command = { type: 'SetWebhookSecret', version, from_version, grace_seconds, now } as const;
      return this.connections.command(view.id, command, context);
    };
    if (grace_seconds > 0 && (await this.isCurrent(view, secret))) return record(from_version!);
    const slot = { ...context.tenant, connection_id: view.id, field: 'webhook_secret' as const };
    return this.storage.keep(slot, { secret, above: from_version ?? 0 }, async (version) => {
      const result = await record(version);
      const { webhook_version, webhook_previous } = result.view;
      return { result, version: webhook_version ?? version, alsoKept: webhook_previous };
    });
  }

  private async isCurrent(view: ConnectionView, secret: string): Promise<boolean> {
    if (view.webhook_version === null) return false;
    const current = await this.read(view, view.webhook_version).catch((cause: unknown) => {
      throw new DomainError('VAULT_UNAVAILABLE', undefined, undefined, { cause });
    });
    return current !== null && anyEqual(digests([current]), digests([secret]));
  }
}

const isOvertaken = (error: unknown): boolean => error instanceof DomainError && error.code === 'CONFLICT';
