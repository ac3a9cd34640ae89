import { Controller, Get, Inject, Param, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { Public } from '../endpoint.js';
import { isSecure, publicBase } from '../public-base.js';
import { keepLanguage } from './chosen-language.js';
import { isGuest, pageCookie, pagePath } from './page-cookie.js';
import { PageErrorFilter } from './page-error.filter.js';
import { setRedirectHeaders } from './page-headers.js';
import { endNamed, endOf, forGuest, stepOf, viewOf, type Wish } from './page-view.js';
import { showsOf } from './page-state.js';
import { leavesTo, withResult } from './redirect.js';
import { ResultSigner } from './result-signer.js';
import { type SentPage, sendPage } from './send-page.js';
import { PAGES_SETTINGS, type PagesSettings } from './settings.js';
import { Visits } from './visits.service.js';

/** The hosted page as the browser loads it. Nothing here changes a session: previews and prefetches are harmless. */
@Controller('link')
@Public()
@UseFilters(PageErrorFilter)
export class HostedPageController {
  constructor(
    private readonly visits: Visits,
    private readonly signer: ResultSigner,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(PAGES_SETTINGS) private readonly settings: PagesSettings,
  ) {}

  /** Moves the token from the address bar into a cookie of the session's own path. */
  @Get(':token')
  async enter(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = this.visits.byToken(request, token);
    const { session } = await this.visits.page(request, visit);
    const { status, single_use, expires_at } = session;
    const isOver = ['completed', 'failed', 'expired'].includes(status);
    // Only the page's script can say that somebody came with a used one-time link, as only it says that one was opened.
    const sid = !isOver || (status === 'completed' && single_use) ? visit.sid : undefined;
    const terms = { expires_at, secure: isSecure(request, this.config) };
    if (sid !== undefined) void reply.header('set-cookie', pageCookie(sid, token, terms));
    if (isOver) {
      const view = endOf(session);
      return this.show(reply, request, { view, sid, address: `/link/over/${view.over}` });
    }
    setRedirectHeaders(reply);
    keepLanguage(reply, request, terms.secure);
    return reply.redirect(pagePath(visit.sid), 303);
  }

  /** What the page of a link that is over becomes in the address bar: it says the same and names no link. */
  @Get('over/:over')
  over(@Param('over') over: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const view = endNamed(over);
    if (!view) throw new DomainError('NOT_FOUND');
    return this.show(reply, request, { view });
  }

  /** Where the code of another device leads. It looks the same for everybody: only the script sees the code. */
  @Get('continue')
  goOn(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.show(reply, request, { view: { kind: 'continue' } });
  }

  @Get('s/:sid')
  async page(
    @Param('sid') sid: string,
    @Query() wish: Wish,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const page = await this.visits.page(request, this.visits.byCookie(request, sid));
    const view = viewOf(page, wish, Date.now());
    return this.show(reply, request, { view, sid, shows: showsOf(page.session) });
  }

  /** A provider's own step: the one page that may load that provider's script. Where there is none, the session's own page. */
  @Get('s/:sid/with/:provider')
  async step(
    @Param() { sid, provider }: { sid: string; provider: string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const page = await this.visits.page(request, this.visits.byCookie(request, sid));
    const view = stepOf(page, provider, Date.now());
    if (view) return this.show(reply, request, { view, sid });
    const own = { view: viewOf(page, {}, Date.now()), shows: showsOf(page.session), address: pagePath(sid) };
    return this.show(reply, request, { ...own, sid });
  }

  /** The way back to the app, with a result that it can check. */
  @Get('s/:sid/leave')
  async leave(@Param('sid') sid: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { session } = await this.visits.page(request, this.visits.byCookie(request, sid));
    const url = leavesTo(session);
    setRedirectHeaders(reply);
    if (!url) return reply.redirect(pagePath(sid), 303);
    const result = await this.signer.sign(session, { issuer: publicBase(request, this.config), audience: url.origin });
    const { id: link_session_id, status } = session;
    return reply.redirect(withResult(url, { link_session_id, status, result }), 303);
  }

  private show(
    reply: FastifyReply,
    request: FastifyRequest,
    { view: seen, sid, ...page }: Pick<SentPage, 'view' | 'address' | 'shows'> & { sid?: string | undefined },
  ) {
    const guest = sid !== undefined && isGuest(request.headers.cookie, sid);
    const view = guest ? forGuest(seen) : seen;
    const status = view.kind === 'ended' ? view.status : 200;
    const provider = view.kind === 'step' ? view.provider : undefined;
    const base = sid === undefined ? undefined : pagePath(sid);
    const secure = isSecure(request, this.config);
    sendPage(request, reply, { view, status, provider, base, guest, secure, settings: this.settings, ...page });
  }
}
