import { de } from './texts/de.js';
import { en, type Texts } from './texts/en.js';
import { es } from './texts/es.js';
import { fr } from './texts/fr.js';
import { pt } from './texts/pt.js';

export const texts = { en, es, pt, fr, de } satisfies Record<string, Texts>;
export type Language = keyof typeof texts;

export const isLanguage = (tag: string): tag is Language => Object.hasOwn(texts, tag);

/** The language of ours that an Accept-Language header likes best; English when it likes none, or is no such header. */
export function languageOf(header: string | undefined): Language {
  const wishes = (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().toLowerCase().split(';');
      const quality = parameters.map((each) => /^\s*q=([\d.]+)\s*$/.exec(each)?.[1]).find(Boolean);
      return { tag: tag.trim().split('-')[0]!, quality: Number(quality ?? 1) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality);
  return wishes.map(({ tag }) => tag).find(isLanguage) ?? 'en';
}

export type Say = (key: keyof Texts, values?: Record<string, string | number>) => string;

/** Says a sentence in a language with its placeholders filled. The result is plain text: the template escapes it. */
export const sayIn =
  (language: Language): Say =>
  (key, values = {}) =>
    texts[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** A number of minutes in words: "14 minutes". */
export const minutesIn = (language: Language, minutes: number): string =>
  new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'long' }).format(minutes);

/** Each language by its own name, as who reads it looks for it. */
export const languageNames: Record<Language, string> = {
  en: 'English',
  es: 'Español',
  pt: 'Português',
  fr: 'Français',
  de: 'Deutsch',
};
