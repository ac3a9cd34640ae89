import { Controller, Get, Head, HttpCode, Inject, Param, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { defaultTenant, personAtLink } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { Bus } from '#service/bus.js';
import { Public } from '../endpoint.js';
import { contextOf } from '../request-context.js';
import { MissLimit } from './miss-limit.js';
import { PageErrorFilter } from './page-error.filter.js';
import { setRedirectHeaders } from './page-headers.js';
import { PAGES_SETTINGS, type PagesSettings } from './settings.js';
import { TokenSealer } from './token-sealer.js';

/** The provider has eight seconds to answer, and the connection is made, and can be read, after that. */
const PATIENCE_MS = 16_000;

/**
 * Where a provider sends the browser back to. Whose link it is stands behind the state alone; a state that is unknown, used
 * or forged gets the page of a link that is no longer valid, and nothing happens. An address that guesses is refused before
 * anybody is asked.
 */
@Controller('v1/connect/callback')
@Public()
@UseFilters(PageErrorFilter)
export class ConnectCallbackController {
  private readonly misses: MissLimit;

  constructor(
    private readonly bus: Bus,
    private readonly sealer: TokenSealer,
    @Inject(PAGES_SETTINGS) settings: PagesSettings,
  ) {
    this.misses = new MissLimit(settings.LINK_MISS_LIMIT_RPM);
  }

  /** Link scanners look before a browser goes. Before the GET, or Fastify makes a HEAD of it that uses up the link. */
  @Head(':server_id')
  @HttpCode(204)
  look(): void {}

  @Get(':server_id')
  async back(
    @Param('server_id') server_id: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    this.misses.assertNotOver(request.ip);
    const actor = personAtLink('connect_link');
    const context = contextOf(request, { actor, tenant: defaultTenant, keyPrefix: null });
    // The language of our own page is no word of the provider, which may have signed all of its own.
    const { lang: _, ...parameters } = query;
    const sealed = await this.sealer.seal(JSON.stringify(parameters));
    const ask = { context, server_id, sealed };
    const { redirect_to } = await this.bus.ask('connection.connect.finish', ask, PATIENCE_MS);
    if (redirect_to === null) {
      this.misses.add(request.ip);
      throw new DomainError('INVALID_TOKEN');
    }
    setRedirectHeaders(reply);
    return reply.redirect(redirect_to, 303);
  }
}
