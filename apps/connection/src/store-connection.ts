import { Injectable } from '@nestjs/common';
import type { AuthType } from '#contracts/api/servers.js';
import type { ConnectionEvent, ConnectionPlace, ConnectionTerms, StoredCredential } from '#contracts/connection.js';
import type { Context, Position } from '#contracts/envelope.js';
import { DomainError, isCoded } from '#contracts/errors.js';
import { idOf, shortIdOf, uuidV5 } from '#contracts/ids.js';
import { commandIdOf } from '#eventstore/command-handler.js';
import { Catalog } from './catalog/catalog.js';
import { ConnectionSlots } from './connection-slots.js';
import { type BroughtAbout, type Changed, Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { checkSecret, type Secret } from './secret-shape.js';

const ATTEMPTS = 6;
/** So many connections of a place may have come after the one that a repeated wish has made. */
const LOOKED_THROUGH = 20;
const ATTEMPT = '8a2f4e0e-7b1d-5c0a-9d53-4b5e0c7f2a90';

export interface StoreWish extends ConnectionTerms {
  short_id: string;
  server_id: string;
  user_id: string | null;
  /** The secret as JSON, sealed by the gateway. */
  sealed: string;
}

type Named = Omit<StoreWish, 'sealed'>;

/** Tokens in the form in which the vault keeps them, and what may be shown of them. */
export type TokenWish = Named &
  Required<Pick<StoredCredential, 'metadata' | 'token_refresh_at' | 'expires_at'>> & { secret: string };

type StoredWish = Named & Omit<StoredCredential, 'credential_version'> & { auth_type: AuthType; secret: string };

type Stored = Extract<ConnectionEvent, { credential_version: number }>;

/**
 * Creates a connection or replaces the credential of the live one. The credential lies in the vault, under a version of
 * its own, before the event makes it the live one; what a crash leaves in between opens for nobody and is swept away.
 */
@Injectable()
export class StoreConnection {
  constructor(
    private readonly catalog: Catalog,
    private readonly storage: CredentialStorage,
    private readonly slots: ConnectionSlots,
    private readonly connections: Connections,
  ) {}

  async run(context: Context, { sealed, ...wish }: StoreWish): Promise<Changed & { created: boolean }> {
    const server = this.catalog.get(wish.server_id);
    const secret = this.storage.unseal(sealed);
    const cert_metadata = checkSecret(server, JSON.parse(secret) as Secret);
    const before = context.again ? await this.recorded(context, wish) : null;
    if (before) return withCreated(stillThere(before));
    return this.persist(context, { ...wish, auth_type: server.auth_type, cert_metadata, secret });
  }

  /**
   * Tokens of an OAuth provider, which come from the provider itself; a sweep may bring them again, also when the connection
   * that they have made was deleted since.
   */
  async tokens(wished: Context, wish: TokenWish): Promise<{ id: string; position: Position }> {
    const context = { ...wished, again: true };
    const before = await this.recorded(context, wish);
    if (before) return before;
    const { view, position } = await this.persist(context, { ...wish, auth_type: 'oauth', cert_metadata: {} });
    return { id: view.id, position };
  }

  private async persist(context: Context, wish: StoredWish): Promise<Changed & { created: boolean }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const short_id = candidate(wish.short_id, attempt);
        return withCreated(await this.store(anew(context, attempt), { ...wish, short_id }));
      } catch (error) {
        if (attempt === ATTEMPTS || !isOvertaken(error)) throw error;
      }
    }
  }

  /** What any attempt of this wish has recorded, whoever came after it: its secret must not overtake a newer one. */
  private async recorded(context: Context, wish: Named): Promise<BroughtAbout | null> {
    const holders = await this.slots.holders(placeOf(context, wish));
    for (const short_id of holders.slice(-LOOKED_THROUGH).reverse()) {
      const id = idOf('connection', short_id);
      const attempts = Array.from({ length: ATTEMPTS }, (_, index) => anew(context, index + 1));
      const names = attempts.map((attempt) => commandIdOf(attempt, `connection-${id}`, { type: 'StoreCredential' }));
      const changed = await this.connections.recorded(id, names);
      if (changed) return changed;
    }
    return null;
  }

  private async store(context: Context, { secret, ...wish }: StoredWish): Promise<Changed> {
    const place = placeOf(context, wish);
    const { short_id, isNew, version: above } = await this.slots.take(place, wish.short_id, context);
    const id = idOf('connection', short_id);
    const now = new Date().toISOString();
    const slot = { ...context.tenant, connection_id: id, field: 'credential' } as const;
    return this.storage.keep(slot, { secret, above }, async (version) => {
      const command = { ...wish, type: 'StoreCredential', ...place, id, short_id, now } as const;
      const stored = { ...command, credential_version: version };
      const changed = await this.connections.command(id, stored, context, isNew);
      const { credential_version } = changed.decided.find(isStored)!;
      return { result: changed, version: credential_version };
    });
  }
}

const placeOf = ({ tenant }: Context, { server_id, user_id }: Named): ConnectionPlace => ({
  ...tenant,
  server_id,
  user_id,
});

function stillThere({ view, ...before }: BroughtAbout): Changed {
  if (!view) throw new DomainError('NOT_FOUND', 'Connection not found');
  return { ...before, view };
}

const withCreated = (changed: Changed) => ({ ...changed, created: changed.decided[0]?.type === 'ConnectionCreated' });

const isStored = (event: ConnectionEvent): event is Stored =>
  event.type === 'ConnectionCreated' || event.type === 'CredentialRotated';

/** Somebody else was at this place at the same moment: look again at what is there now. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof DomainError &&
  isCoded(error) &&
  ['CONFLICT', 'CONNECTION_DISCONNECTED', 'ID_TAKEN'].includes(error.code);

/** The first attempt keeps the wish's own names, so that a wish that comes again meets what it has done. */
const anew = (context: Context, attempt: number): Context =>
  attempt === 1 ? context : { ...context, command_id: uuidV5(ATTEMPT, `${context.command_id}:${attempt}`) };
const candidate = (shortId: string, attempt: number): string =>
  attempt === 1 ? shortId : shortIdOf(`${shortId}:${attempt}`);
