import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { ConnectLinkEnding } from '#contracts/connect-link.js';
import type { Actor, Context, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { sha256 } from '#contracts/ids.js';
import { type Slot, Vault } from '../vault/vault.service.js';
import type { ConnectLink, LinkStateRow, ReceivedCode, TakenLink } from './link-state.js';
import { fromSecret, toSecret } from './stored-tokens.js';
import type { Tokens } from './tokens.js';
import { untilWritten } from './until-written.js';

/** Those that one worker takes up are all at the database and at their providers at the same time. */
const TAKEN_UP_AT_ONCE = 20;
/** So many of them are of a person who waits for a connection, however many do: the others are to come to their end as well. */
const WAITED_FOR_AT_ONCE = 15;
/** Longer than the exchange and what follows can take. */
const LEASE = "interval '45 seconds'";
/** Over, or of a clock that has been put back far: no lease ends so late. */
const IS_FREE = `(leased_until < now() or leased_until > now() + 2 * ${LEASE})`;
/** The browser waits for it. */
const TRIES_MS = 2_000;

export const LINK_GONE = 'a Connect Link has gone while it was under way';

/** Who asked, by which request and from where, as the timeline names it. */
export interface Origin {
  actor: Actor;
  request_id: string;
  address: string | null;
  key_prefix: string | null;
}

/** A link whose person has approved, or that has ended: from here on it is finished, whoever dies. */
export interface UnderWay {
  stateHash: string;
  link: ConnectLink;
  made: Origin;
  startedAt: Date;
  /** Who came back with it; null when nobody has. */
  returned: Origin | null;
  step: 'received' | 'learnt' | 'ended';
  /** Once it has ended. */
  ending: ConnectLinkEnding | null;
}

interface Row {
  state_hash: string;
  project_id: string;
  environment: Tenant['environment'];
  user_id: string;
  server_id: string;
  redirect_uri: string;
  callback_url: string;
  shop: string | null;
  sealed_verifier: string;
  expires_at: Date;
  created_at: Date;
  request: Origin;
  returned: Origin | null;
  holder_id: string;
  step: UnderWay['step'];
  ending: ConnectLinkEnding | null;
}

/**
 * Connect Links under way, each step written down before the next (docs/decisions/0003, 0011): open, received (the code lies
 * in the vault) or taken (there is none), learnt (the tokens lie there), ended. A row goes when its end is on record.
 */
@Injectable()
export class LinkTable {
  constructor(
    private readonly dataSource: DataSource,
    private readonly vault: Vault,
  ) {}

  /** A start that comes again begins anew, as its first answer has reached nobody; refuses that of a link that was used. */
  async put(row: LinkStateRow, context: Context): Promise<void> {
    const { project_id, environment } = row.tenant;
    const place = [row.stateHash, project_id, environment, row.userId, row.serverId];
    const addresses = [row.redirectUri, row.callbackUrl, row.shop];
    const rows = await this.dataSource.query<unknown[]>(
      `insert into connect_links (state_hash, project_id, environment, user_id, server_id, redirect_uri, callback_url, shop,
         sealed_verifier, expires_at, request) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (state_hash) do update set callback_url = excluded.callback_url,
         sealed_verifier = excluded.sealed_verifier, expires_at = excluded.expires_at, request = excluded.request,
         created_at = now() where connect_links.step = 'open' returning state_hash`,
      [...place, ...addresses, row.sealedVerifier, row.expiresAt, JSON.stringify(originOf(context))],
    );
    if (rows.length === 0) throw new DomainError('GONE');
  }

  async endAt(stateHash: string, expiresAt: string): Promise<void> {
    const text = "update connect_links set expires_at = $2 where state_hash = $1 and step = 'open'";
    await this.dataSource.query(text, [stateHash, expiresAt]);
  }

  /**
   * The link is used up when its code is kept, not before. Of two at once, one gets it; the callback of another server leaves
   * the link to its own.
   */
  take(
    stateHash: string,
    by: { serverId: string; context: Context },
    read: (row: LinkStateRow) => TakenLink,
  ): Promise<TakenLink | null> {
    const call = { ...originOf(by.context), call: randomUUID() };
    const values = [stateHash, by.serverId, JSON.stringify(call)];
    const take = async (db: EntityManager) => {
      const [[row]] = await db.query<[Row[], number]>(TAKE, values);
      const taken = row ? read(stateRowOf(row)) : null;
      if (taken?.received) await this.step(db, stateHash, { step: 'received', secret: JSON.stringify(taken.received) });
      return taken;
    };
    return untilWritten(() => this.dataSource.transaction(take), TRIES_MS);
  }

  /** Can it still be used, by the callback of its own server? */
  async isOpen(stateHash: string): Promise<boolean> {
    const query = "select from connect_links where state_hash = $1 and step = 'open'";
    return (await this.dataSource.query<unknown[]>(query, [stateHash])).length > 0;
  }

  /** False when the link is over. */
  learn(stateHash: string, tokens: Tokens): Promise<boolean> {
    const learnt = { step: 'learnt', secret: toSecret(tokens) } as const;
    return untilWritten(() => this.dataSource.transaction((db) => this.step(db, stateHash, learnt)), TRIES_MS);
  }

  private async step(
    db: EntityManager,
    stateHash: string,
    { step, secret }: { step: 'received' | 'learnt'; secret: string },
  ): Promise<boolean> {
    const [rows] = await db.query<[Row[], number]>(
      "update connect_links set step = $2 where state_hash = $1 and step <> 'ended' returning *",
      [stateHash, step],
    );
    if (rows[0]) await this.vault.put(db, slotOf(rows[0]), secret);
    return rows[0] !== undefined;
  }

  /**
   * Those that nobody is at work on any more; whoever gets one has it for a while. First those of a person who waits for
   * a connection, then those that only have to be put on record; of each, those that have waited longest.
   */
  async unfinished(): Promise<UnderWay[]> {
    return (await this.rows(TAKE_UP)).map(underWay);
  }

  async find(stateHash: string): Promise<UnderWay | null> {
    const [row] = await this.dataSource.query<Row[]>('select * from connect_links where state_hash = $1', [stateHash]);
    return row ? underWay(row) : null;
  }

  async codeOf(stateHash: string): Promise<ReceivedCode> {
    return JSON.parse(await this.secretOf(stateHash)) as ReceivedCode;
  }

  async tokensOf(stateHash: string): Promise<Tokens> {
    return fromSecret(await this.secretOf(stateHash));
  }

  private async secretOf(stateHash: string): Promise<string> {
    const [row] = await this.dataSource.query<Row[]>('select * from connect_links where state_hash = $1', [stateHash]);
    const secret = row && (await this.vault.read(slotOf(row)));
    if (!secret) throw new Error(LINK_GONE);
    return secret;
  }

  /** Its secrets go at once, its row when the end is on record; null when that has gone already. */
  async end(stateHash: string, ending: ConnectLinkEnding): Promise<UnderWay | null> {
    return this.dataSource.transaction(async (db) => {
      const [rows] = await db.query<[Row[], number]>(
        "update connect_links set step = 'ended', ending = $2 where state_hash = $1 returning *",
        [stateHash, JSON.stringify(ending)],
      );
      if (!rows[0]) return null;
      await this.vault.destroy(db, slotOf(rows[0]));
      return underWay(rows[0]);
    });
  }

  /** Ends links that nobody came back with, or whose worker died before it could say how one without a code has ended. */
  async expire(): Promise<void> {
    const ending: ConnectLinkEnding = { type: 'ExpireConnectLink' };
    await this.dataSource.query(
      `update connect_links set step = 'ended', ending = $1, returned = null, leased_until = now()
       where step in ('open', 'taken') and created_at < now() - interval '1 hour'`,
      [JSON.stringify(ending)],
    );
  }

  async forget(stateHash: string): Promise<void> {
    await this.dataSource.query('delete from connect_links where state_hash = $1', [stateHash]);
  }

  private async rows(text: string, values: unknown[] = []): Promise<Row[]> {
    const [rows] = await this.dataSource.query<[Row[], number]>(text, values);
    return rows;
  }
}

/** By the same call once more where the answer to its first try was lost. */
const TAKE = `update connect_links set step = 'taken', returned = $3, leased_until = now() + ${LEASE}
  where state_hash = $1 and server_id = $2 and (step = 'open' or step in ('taken', 'received') and returned = $3)
  returning *`;

/** The last limit tells the planner that they are few: it cannot know what the one before it comes to. */
const TAKE_UP = `with waited_for as (select state_hash from connect_links where step in ('received', 'learnt') and ${IS_FREE}
    order by leased_until limit ${WAITED_FOR_AT_ONCE} for update skip locked),
  ended as (select state_hash from connect_links where step = 'ended' and ${IS_FREE}
    order by leased_until limit ${TAKEN_UP_AT_ONCE} - (select count(*) from waited_for) for update skip locked)
  update connect_links set leased_until = now() + ${LEASE}
  where state_hash in (
    select state_hash from waited_for union all select state_hash from ended limit ${TAKEN_UP_AT_ONCE}) returning *`;

const originOf = ({ actor, request_id, address, key_prefix }: Origin): Origin => ({
  actor,
  request_id,
  address,
  key_prefix,
});

const underWay = (row: Row): UnderWay => ({
  ...{ stateHash: row.state_hash, link: linkOf(row), made: row.request, startedAt: row.created_at },
  ...{ returned: row.returned && originOf(row.returned), step: row.step, ending: row.ending },
});

const linkOf = ({ project_id, environment, ...row }: Row): ConnectLink => ({
  tenant: { project_id, environment },
  userId: row.user_id,
  serverId: row.server_id,
  redirectUri: row.redirect_uri,
  callbackUrl: row.callback_url,
  shop: row.shop,
});

const stateRowOf = (row: Row): LinkStateRow => ({
  ...{ ...linkOf(row), stateHash: row.state_hash },
  ...{ sealedVerifier: row.sealed_verifier, expiresAt: row.expires_at },
});

/** The state of the link is no part of it: whoever reads the vault's table learns nothing from it. */
const slotOf = ({ holder_id, project_id, environment, state_hash }: Row): Slot => ({
  ...{ connection_id: holder_id, project_id, environment },
  field: `attempt ${sha256(state_hash).slice(0, 16)}`,
});
