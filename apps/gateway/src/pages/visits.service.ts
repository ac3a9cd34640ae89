import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '#contracts/envelope.js';
import { DomainError, isCoded } from '#contracts/errors.js';
import { shortIdOf } from '#contracts/ids.js';
import type { SessionPage } from '#contracts/link-session.js';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { isSecure } from '../public-base.js';
import { MissLimit } from './miss-limit.js';
import { pageCookie, pagePath, tokenFromCookie } from './page-cookie.js';
import { personContext } from './person-context.js';
import { PAGES_SETTINGS, type PagesSettings } from './settings.js';

const TOKEN = /^[\w-]{43}$/;
const MOST_REMEMBERED = 10_000;

/** Somebody who holds a link. The token itself goes nowhere but into the cookie; the bus sees its hash. */
export interface Visit {
  sid: string;
  proof: { context: Context; token_hash: string };
}

/** Turns a request into a visit, and counts the requests of those who hold no link. */
@Injectable()
export class Visits {
  private readonly misses: MissLimit;
  /** Hashes of tokens whose link was found, those seen last. */
  private readonly found = new Set<string>();

  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(PAGES_SETTINGS) settings: PagesSettings,
  ) {
    this.misses = new MissLimit(settings.LINK_MISS_LIMIT_RPM);
  }

  /** The visit of who opens a link. An address that guesses is refused before anybody is asked. */
  byToken(request: FastifyRequest, token: string): Visit {
    this.misses.assertNotOver(request.ip);
    if (!TOKEN.test(token)) this.miss(request);
    return visit(request, token);
  }

  /** The visit of who has opened a link before, by the cookie of that session. Anybody can make a cookie up. */
  byCookie(request: FastifyRequest, sid: string): Visit {
    const token = tokenFromCookie(request.headers.cookie, sid) ?? '';
    const known = visit(request, token);
    const fits = TOKEN.test(token) && known.sid === sid;
    if (!fits || !this.found.has(known.proof.token_hash)) this.misses.assertNotOver(request.ip);
    return fits ? known : this.miss(request);
  }

  /** The same for a question that is not about the page: the link itself is looked up before, unless it was found already. */
  async known(request: FastifyRequest, sid: string): Promise<Visit> {
    const known = this.byCookie(request, sid);
    if (!this.found.has(known.proof.token_hash)) await this.page(request, known);
    return known;
  }

  /** The token of a visit by cookie. It is for codes alone, and goes nowhere else. */
  tokenOf(request: FastifyRequest, sid: string): string {
    return tokenFromCookie(request.headers.cookie, this.byCookie(request, sid).sid)!;
  }

  async page(request: FastifyRequest, { proof }: Visit): Promise<SessionPage> {
    try {
      const page = await this.bus.ask('link-session.page', proof);
      this.remember(proof.token_hash);
      return page;
    } catch (error) {
      if (isCoded(error) && error.code === 'INVALID_TOKEN') this.misses.add(request.ip);
      throw error;
    }
  }

  /**
   * Moves the token of a link that could not be looked up out of the address bar all the same, and says where to ask
   * again; undefined where the request holds none.
   */
  keep(request: FastifyRequest, reply: FastifyReply): string | undefined {
    const { params, headers } = request;
    const { token, sid: known } = params as { token?: string; sid?: string };
    if (known !== undefined) return tokenFromCookie(headers.cookie, known) === undefined ? undefined : pagePath(known);
    if (token === undefined || !TOKEN.test(token)) return undefined;
    const sid = shortIdOf(hashSecret(token));
    const terms = { expires_at: new Date().toISOString(), secure: isSecure(request, this.config) };
    void reply.header('set-cookie', pageCookie(sid, token, terms));
    return pagePath(sid);
  }

  private remember(tokenHash: string): void {
    this.found.delete(tokenHash);
    if (this.found.size >= MOST_REMEMBERED) this.found.delete(this.found.values().next().value!);
    this.found.add(tokenHash);
  }

  private miss({ ip }: FastifyRequest): never {
    this.misses.add(ip);
    throw new DomainError('INVALID_TOKEN');
  }
}

function visit(request: FastifyRequest, token: string): Visit {
  const token_hash = hashSecret(token);
  return { sid: shortIdOf(token_hash), proof: { context: personContext(request), token_hash } };
}
