import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '#contracts/errors.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { refusalOnPage, retryAfterOf } from '../error-answer.js';
import { isSecure } from '../public-base.js';
import { endOfRefusal } from './page-view.js';
import { sendPage } from './send-page.js';
import { PAGES_SETTINGS, type PagesSettings } from './settings.js';
import { Visits } from './visits.service.js';

/** Nobody has said that the link is none, so its token may be a real one. */
const UNDECIDED: readonly ErrorCode[] = ['UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'];

/** A refusal on the hosted page is a page too, in the person's language. */
@Catch()
export class PageErrorFilter implements ExceptionFilter {
  constructor(
    @Inject(PAGES_SETTINGS) private readonly settings: PagesSettings,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(Visits) private readonly visits: Visits,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const refusal = refusalOnPage(error, request);
    const { code } = refusal;
    const view = endOfRefusal(code);
    const retryAfter = retryAfterOf(refusal);
    if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
    const base = UNDECIDED.includes(code) ? this.visits.keep(request, reply) : undefined;
    const secure = isSecure(request, this.config);
    sendPage(request, reply, { view, settings: this.settings, status: view.status, secure, base, address: base });
  }
}
