import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLanguage, type Language, languageOf } from './language.js';

const COOKIE = 'lk_language';
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** What the person has chosen, now (`?lang=`) or before (a cookie), else what their browser likes best. */
export function languageFor({ query, headers }: FastifyRequest): Language {
  const chosen = chosenNow(query) ?? fastifyCookie.parse(headers.cookie ?? '')[COOKIE];
  return chosen !== undefined && isLanguage(chosen) ? chosen : languageOf(headers['accept-language']);
}

/** Keeps a choice for every link that this browser opens. It says nothing about the person but a language. */
export function keepLanguage(reply: FastifyReply, { query }: FastifyRequest, secure: boolean): void {
  const chosen = chosenNow(query);
  if (chosen === undefined) return;
  const cookie = fastifyCookie.serialize(COOKIE, chosen, {
    path: '/link',
    maxAge: YEAR_SECONDS,
    httpOnly: true,
    sameSite: 'lax',
    secure,
  });
  void reply.header('set-cookie', cookie);
}

function chosenNow(query: unknown): Language | undefined {
  const lang = (query as { lang?: unknown } | undefined)?.lang;
  return typeof lang === 'string' && isLanguage(lang) ? lang : undefined;
}
