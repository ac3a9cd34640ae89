import { describe, expect, it } from '@jest/globals';
import { languageOf, minutesIn, sayIn, texts } from './language.js';

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe('the texts', () => {
  it.each(Object.entries(texts))('of %s are complete and have the placeholders of the English ones', (_, table) => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(texts.en).sort());
    for (const [key, text] of Object.entries(table)) {
      expect(text.trim()).not.toBe('');
      expect([key, placeholders(text)]).toEqual([key, placeholders(texts.en[key as keyof typeof texts.en])]);
    }
  });

  /** Words that are the same in both languages. */
  const shared: Record<string, string[]> = { de: ['refusedCode'] };

  it.each(Object.entries(texts).filter(([language]) => language !== 'en'))(
    'of %s leave none in English',
    (language, table) => {
      const same = Object.entries(table).filter(([key, text]) => text === texts.en[key as keyof typeof texts.en]);
      expect(same.map(([key]) => key)).toEqual(shared[language] ?? []);
    },
  );

  it('name the controls as the specification does', () => {
    const say = sayIn('en');
    expect(say('connectWith', { provider: 'Plaid' })).toBe('Connect with Plaid');
    expect([texts.en.reconnect, texts.en.connectAnother, texts.en.imDone, texts.en.tryAgain]).toEqual([
      'Reconnect',
      'Connect another bank',
      "I'm done",
      'Try again',
    ]);
  });

  it('leave a value alone that looks like a placeholder', () => {
    expect(sayIn('en')('reconnectLead', { institution: '{brand} $&' })).toBe('Reconnect {brand} $&');
  });

  it('count minutes in each language', () => {
    expect(minutesIn('en', 1)).toBe('1 minute');
    expect(minutesIn('de', 14)).toBe('14 Minuten');
  });
});

describe('the language of a request', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7', 'fr'],
    ['en;q=0.2, es;q=0.9', 'es'],
    ['ja, pt;q=0.5', 'pt'],
    ['de;q=0, es', 'es'],
    ['constructor', 'en'],
    ['DE_at;;;q=,x', 'en'],
  ])('%s is %s', (header, language) => expect(languageOf(header)).toBe(language));
});
