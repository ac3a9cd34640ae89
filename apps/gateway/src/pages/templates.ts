import { Eta } from 'eta';
import { join } from 'node:path';
import { assetPath } from './assets.js';
import { type Language, minutesIn, sayIn } from './language.js';
import { pagesFolder } from './package-root.js';
import type { PageView } from './page-view.js';

const eta = new Eta({ views: join(pagesFolder, 'views'), cache: true });

const providerNames = { plaid: 'Plaid', teller: 'Teller' };

/** The page as HTML. Whatever a template prints is escaped; `base` is the session's own path, absent where there is none. */
export function renderPage(
  view: PageView,
  { language, brand, base }: { language: Language; brand: string; base?: string },
) {
  return eta.render(`./${view.kind}`, {
    view,
    brand,
    base,
    language,
    say: sayIn(language),
    minutes: (count: number) => minutesIn(language, count),
    nameOf: (provider: keyof typeof providerNames) => providerNames[provider],
    style: assetPath('link.css'),
    script: assetPath('link.js'),
  });
}
