import { constants, brotliCompressSync, gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ProviderName } from '#contracts/link-session.js';
import { accepts } from '../accepts.js';
import { assetPath } from './assets.js';
import { keepLanguage, languageFor } from './chosen-language.js';
import { setPageHeaders } from './page-headers.js';
import type { PageView } from './page-view.js';
import type { PagesSettings } from './settings.js';
import { renderPage } from './templates.js';

export interface SentPage {
  view: PageView;
  settings: PagesSettings;
  status: number;
  /** Whether the browser reaches us through TLS. */
  secure: boolean;
  /** The session's own path, where there is one. */
  base?: string | undefined;
  /** What the address bar is to show instead, where the address that was opened holds a token. */
  address?: string | undefined;
  /** Names what there is to see, for a page that follows its session. */
  shows?: string | undefined;
  /** Whether the person only went on at this device. */
  guest?: boolean | undefined;
  /** Whose step it is: the page's policy names its script. */
  provider?: ProviderName | undefined;
}

/** Sends a page in the person's language, with the headers that every page has. */
export function sendPage(request: FastifyRequest, reply: FastifyReply, { view, settings, ...page }: SentPage): void {
  const language = languageFor(request);
  setPageHeaders(reply, settings, page.provider);
  keepLanguage(reply, request, page.secure);
  const { base, address, shows, guest } = page;
  const html = renderPage(view, { language, brand: settings.BRAND_NAME, base, address, shows, guest });
  const [encoding, body] = compressed(html, request.headers['accept-encoding']);
  if (encoding) void reply.header('content-encoding', encoding);
  void reply
    .status(page.status)
    .headers({
      'content-language': language,
      vary: 'accept-encoding',
      // The browser asks for the script as soon as it has the headers, while the page itself is still on its way.
      link: `<${assetPath('link.js')}>; rel=modulepreload`,
    })
    .type('text/html; charset=utf-8')
    .send(body);
}

/** On a slow line each kilobyte counts. No page holds a secret that the length of the answer could give away. */
function compressed(html: string, accepted: string | undefined): [encoding: string | null, body: string | Buffer] {
  if (accepts(accepted, 'br')) {
    return ['br', brotliCompressSync(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })];
  }
  return accepts(accepted, 'gzip') ? ['gzip', gzipSync(html)] : [null, html];
}
