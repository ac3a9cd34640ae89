import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, isCoded } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { languageOf } from './language.js';
import { setPageHeaders } from './page-headers.js';
import { endOfRefusal } from './page-view.js';
import { PAGES_SETTINGS, type PagesSettings } from './settings.js';
import { renderPage } from './templates.js';

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = { RATE_LIMITED: 60, UNAVAILABLE: 2 };

/** A refusal on the hosted page is a page too, in the person's language. */
@Catch()
export class PageErrorFilter implements ExceptionFilter {
  constructor(@Inject(PAGES_SETTINGS) private readonly settings: PagesSettings) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const code = codeOf(error);
    const view = endOfRefusal(code);
    const language = languageOf(request.headers['accept-language']);
    setPageHeaders(reply, this.settings);
    const retryAfter = RETRY_AFTER_SECONDS[code];
    if (retryAfter) void reply.header('retry-after', retryAfter);
    void reply
      .status(view.status)
      .header('content-language', language)
      .type('text/html; charset=utf-8')
      .send(renderPage(view, { language, brand: this.settings.BRAND_NAME }));
  }
}

function codeOf(error: unknown): ErrorCode {
  if (isCoded(error)) return error.code;
  if (error instanceof HttpException && error.getStatus() < 500) return 'NOT_FOUND';
  logger.error(error, 'the hosted page failed');
  return 'INTERNAL';
}
