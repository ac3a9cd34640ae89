import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { Eta } from 'eta';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { newToken } from '#contracts/secrets.js';
import { TURNING } from '#contracts/steering.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { pagesFolder } from '../pages/pages-folder.js';
import { PAGES_SETTINGS, type PagesSettings } from '../pages/settings.js';
import { isSecure } from '../public-base.js';
import { adminAssetPath } from './assets.js';
import { csrfOf, formCookie, formTokenOf, sessionTokenOf } from './cookies.js';
import { placeOf } from './places.js';
import { noticeOf } from './notices.js';
import { words } from './words.js';

const eta = new Eta({ views: join(pagesFolder, '../admin/views'), cache: true });

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // Not no-referrer: browsers would then send `Origin: null` with our own forms.
  'referrer-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
};

/** What a page shows besides what every page does. */
export interface AdminView {
  /** 200 when it says nothing. */
  status?: number;
  /** Of a refusal: after how many seconds it may be tried again. */
  retry_after?: number | undefined;
  heading: string;
  [name: string]: unknown;
}

/** Turns a view into an answer. Whatever a template prints is escaped, and turns around nothing that stands beside it. */
@Injectable()
export class AdminViews {
  constructor(
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(PAGES_SETTINGS) private readonly settings: PagesSettings,
  ) {}

  show(request: FastifyRequest, reply: FastifyReply, template: string, shown: AdminView): void {
    const { status = 200, retry_after, ...view } = shown;
    const csrf = request.operator ? csrfOf(sessionTokenOf(request)!) : this.entryCsrf(request, reply);
    const html = eta.render(`./${template}`, {
      ...words,
      ...view,
      csrf,
      brand: this.settings.BRAND_NAME,
      operator: request.operator,
      projects: request.projects ?? [],
      place: request.context ? placeOf(request.context.tenant) : '',
      mayChange: request.operator?.role === 'administrator',
      path: request.url.split('?')[0],
      notice: noticeOf(request),
      style: adminAssetPath('admin.css'),
      script: adminAssetPath('admin.js'),
    });
    if (retry_after !== undefined) void reply.header('retry-after', retry_after);
    void reply.status(status).headers(headers).send(html.replace(TURNING, '\uFFFD'));
  }

  /** Cookies that only travel encrypted, wherever people reach us encrypted. */
  isSecure(request: FastifyRequest): boolean {
    return isSecure(request, this.config);
  }

  /** The token that the browser has stays, for the forms of its other tabs; its hour begins anew with each page. */
  private entryCsrf(request: FastifyRequest, reply: FastifyReply): string {
    const token = formTokenOf(request) ?? newToken();
    void reply.header('set-cookie', formCookie(token, this.isSecure(request)));
    return csrfOf(token);
  }
}
