import { Injectable } from '@nestjs/common';
import type { ConnectLinkEnding } from '#contracts/connect-link.js';
import type { Position } from '#contracts/envelope.js';
import { platformConnectionId, shortIdOf, uuidV5 } from '#contracts/ids.js';
import { logger } from '#service/logger.js';
import { StoreConnection } from '../store-connection.js';
import { LinkRecord } from './link-record.js';
import { LINK_GONE, LinkTable, type UnderWay } from './link-table.js';
import { OAuthClients } from './oauth-clients.js';
import { atShop } from './shop.js';
import { refreshAt, shownOf, toSecret } from './stored-tokens.js';
import { exchangeCode, OAuthError, type Tokens } from './tokens.js';

const LINK = '6b1d6a8e-52f1-5d53-9e1a-0a4f6f0d2c11';
const STORE_MS = 4_000;
/** Longer than any provider's code is good for. */
const GIVEN_UP_AFTER_MS = 3_600_000;

/** Brings a Connect Link that somebody came back with to its end, and the end on record, whoever dies in between. */
@Injectable()
export class FinishLinks {
  /** What providers have given and could not be written down yet, by link: it exists nowhere else. */
  private readonly inHand = new Map<string, Tokens>();

  constructor(
    private readonly clients: OAuthClients,
    private readonly table: LinkTable,
    private readonly record: LinkRecord,
    private readonly storing: StoreConnection,
  ) {}

  /** Takes what the provider has just given for a code. Where that fails, `resume` goes on with it. */
  async take(stateHash: string, tokens: Tokens): Promise<{ connection_id: string; position: Position }> {
    const isThere = await this.table.learn(stateHash, tokens).catch((error: unknown) => {
      this.inHand.set(stateHash, tokens);
      throw error;
    });
    this.inHand.delete(stateHash);
    if (!isThere) throw new Error(LINK_GONE);
    return this.connect(stateHash, tokens);
  }

  /** May be repeated: the wish is named by the link. */
  async connect(stateHash: string, tokens: Tokens): Promise<{ connection_id: string; position: Position }> {
    const approved = await this.table.find(stateHash);
    if (!approved) throw new Error(LINK_GONE);
    const { link, made } = approved;
    const command_id = uuidV5(LINK, stateHash);
    const context = { ...made, tenant: link.tenant, command_id, deadline: Date.now() + STORE_MS };
    const { id, position } = await this.storing.tokens(context, {
      ...{ short_id: shortIdOf(stateHash), server_id: link.serverId, user_id: link.userId },
      ...{ secret: toSecret(tokens), metadata: shownOf(tokens, link.shop) },
      token_refresh_at: refreshAt(tokens)?.toISOString() ?? null,
      expires_at: tokens.refreshToken === null ? (tokens.expiresAt?.toISOString() ?? null) : null,
    });
    await this.end(stateHash, { type: 'RecordConnection', connection_id: id });
    return { connection_id: platformConnectionId(id), position };
  }

  /** The row says it first, so that whoever dies after this leaves it to be recorded. */
  async end(stateHash: string, ending: ConnectLinkEnding): Promise<void> {
    const link = await this.table.end(stateHash, ending);
    if (link) this.inBackground(() => this.recordEnd(link));
  }

  /** The link is not over: what the sweep finds out is recorded as well. */
  recordTrouble(stateHash: string, error: string): void {
    this.inBackground(async () => {
      const link = await this.table.find(stateHash);
      if (link) await this.record.end(link, { type: 'RecordFailure', error });
    });
  }

  private async recordEnd(link: UnderWay): Promise<void> {
    await this.record.end(link, link.ending!);
    await this.table.forget(link.stateHash);
  }

  /** Nobody waits for the record: what cannot be written down now is written down by the sweep. */
  private inBackground(work: () => Promise<void>): void {
    void work().catch((error: unknown) => {
      logger.warn({ error: String(error) }, 'a Connect Link is not on record yet');
    });
  }

  /**
   * Finishes what could not be written down here, what a worker that died has left, and what the provider gave no verdict
   * on. Goes on at once while it gets anywhere, as a burst of links ends together: where a provider hangs, others are always
   * left that it is to be asked about.
   */
  async resume(stopping?: AbortSignal): Promise<void> {
    for (let isOn = true; isOn && !stopping?.aborted;) {
      await Promise.all([...this.inHand].map((one) => this.take(...one).catch(notYet)));
      await this.table.expire();
      isOn = await this.resumeSome();
    }
  }

  /** Has any of them come further? */
  private async resumeSome(): Promise<boolean> {
    const left = await this.table.unfinished();
    const others = left.filter(({ stateHash }) => !this.inHand.has(stateHash));
    // All at once: one after another, the last would still be waiting for its turn when its lease ends.
    const further = await Promise.all(others.map((link) => this.again(link).then(() => true, notYet)));
    return further.includes(true);
  }

  /** A code that was used already is refused, and providers then end what it gave. */
  private async again(left: UnderWay): Promise<void> {
    const { stateHash, link, step, startedAt } = left;
    if (step === 'ended') return this.recordEnd(left);
    if (step === 'learnt') return void (await this.connect(stateHash, await this.table.tokensOf(stateHash)));
    const isGivenUp = Date.now() - startedAt.getTime() > GIVEN_UP_AFTER_MS;
    if (isGivenUp) return this.end(stateHash, { type: 'RecordFailure', error: 'provider_unreachable' });
    try {
      const code = await this.table.codeOf(stateHash);
      const client = atShop(this.clients.of(link.serverId), link.shop);
      const tokens = await exchangeCode(client, { ...code, callbackUrl: link.callbackUrl, now: new Date() });
      await this.take(stateHash, tokens);
    } catch (error) {
      if (!(error instanceof OAuthError) || error.code === 'provider_unreachable') throw error;
      await this.end(stateHash, { type: 'RecordFailure', error: error.code });
    }
  }
}

function notYet(error: unknown): false {
  logger.info({ error: String(error) }, 'a Connect Link is not finished yet');
  return false;
}
