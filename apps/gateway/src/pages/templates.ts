import { Eta } from 'eta';
import { join } from 'node:path';
import { TURNING } from '#contracts/steering.js';
import { assetPath, style } from './assets.js';
import { type Language, languageNames, minutesIn, sayIn } from './language.js';
import { pagesFolder } from './pages-folder.js';
import type { PageView } from './page-view.js';

const eta = new Eta({ views: join(pagesFolder, 'views'), cache: true });

const providerNames = { plaid: 'Plaid', teller: 'Teller' };

export interface PageTerms {
  language: Language;
  brand: string;
  base?: string | undefined;
  address?: string | undefined;
  shows?: string | undefined;
  guest?: boolean | undefined;
}

/** The page as HTML. Whatever a template prints is escaped and turns nothing around; `base` is the session's own path, absent where there is none. */
export function renderPage(view: PageView, { language, ...terms }: PageTerms) {
  const html = eta.render(`./${view.kind}`, {
    ...terms,
    view,
    asker: ('asker' in view && view.asker) || terms.brand,
    language,
    say: sayIn(language),
    minutes: (count: number) => minutesIn(language, count),
    nameOf: (provider: keyof typeof providerNames) => providerNames[provider],
    languageNames,
    style,
    script: assetPath('link.js'),
  });
  return html.replace(/\n\s+/g, '\n').replace(TURNING, '\uFFFD');
}
