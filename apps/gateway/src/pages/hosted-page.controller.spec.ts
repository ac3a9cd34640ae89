import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { SessionView } from '#contracts/link-session.js';
import { DomainError } from '#contracts/errors.js';
import { answersFor, cookieOf, PageBus, type Link, newLink, startPages } from '../../../../test/page-app.js';
import { styleSource } from './assets.js';

process.env['LINK_MISS_LIMIT_RPM'] = '5';

const bus = new PageBus();
let app: NestFastifyApplication | undefined;

async function serve(...links: Link[]): Promise<NestFastifyApplication> {
  bus.answers = answersFor(...links);
  await app?.close();
  return (app = await startPages(bus));
}

const open = (link: Link, path = '', headers: Record<string, string> = {}) =>
  app!.inject({ url: `/link/s/${link.sid}${path}`, headers: { cookie: cookieOf(link), ...headers } });

const encodingOf = async (url: string, accepted: string) =>
  (await app!.inject({ url, headers: { 'accept-encoding': accepted } })).headers['content-encoding'];

const headingOf = (body: string): string => /<h1[^>]*>([^<]*)<\/h1>/.exec(body)?.[1] ?? '';

beforeEach(() => void bus.asked.splice(0));
afterAll(() => app?.close());

describe('opening a link', () => {
  it('moves the token into a cookie of the session’s own path', async () => {
    const link = newLink();
    await serve(link);
    const { statusCode, headers, body } = await app!.inject(`/link/${link.token}`);
    expect(statusCode).toBe(303);
    expect(headers.location).toBe(`/link/s/${link.sid}`);
    expect(headers['set-cookie']).toMatch(
      new RegExp(`^lk_${link.sid}=${link.token}; Max-Age=44\\d\\d; Path=/link/s/${link.sid}; HttpOnly; SameSite=Lax$`),
    );
    expect(body).not.toContain(link.token);
  });

  it('opens also with a slash behind it, as some programs write addresses', async () => {
    const link = newLink();
    await serve(link);
    const { statusCode, headers } = await app!.inject(`/link/${link.token}/`);
    expect([statusCode, headers.location]).toEqual([303, `/link/s/${link.sid}`]);
  });

  it('asks for a secure cookie where the browser comes by https', async () => {
    const link = newLink();
    bus.answers = answersFor(link);
    const secure = await startPages(bus, { PUBLIC_BASE_URL: 'https://money.example' });
    const { headers } = await secure.inject(`/link/${link.token}`);
    bus.answers = {};
    const away = await secure.inject(`/link/${link.token}`);
    const inGerman = await secure.inject('/link/over/used?lang=de');
    await secure.close();
    expect(headers['set-cookie']).toContain('; Secure');
    expect([away.statusCode, away.headers['set-cookie']]).toEqual([503, expect.stringContaining('; Secure')]);
    expect(inGerman.headers['set-cookie']).toContain('; Secure');
  });

  it('never activates, neither by GET nor by HEAD', async () => {
    const link = newLink();
    await serve(link);
    expect((await app!.inject({ method: 'HEAD', url: `/link/${link.token}` })).statusCode).toBe(303);
    await app!.inject({ url: `/link/${link.token}`, headers: { 'sec-purpose': 'prefetch' } });
    await open(link);
    await open(link, '/with/plaid');
    expect([...new Set(bus.asked.map(({ subject }) => subject))]).toEqual(['link-session.page']);
    expect(link.page.session.status).toBe('pending');
  });

  it('sends the bus the hash of the token, never the token', async () => {
    const link = newLink();
    await serve(link);
    await app!.inject(`/link/${link.token}`);
    expect(bus.asked).toHaveLength(1);
    expect(JSON.stringify(bus.asked)).not.toContain(link.token);
  });

  it.each<[string, Partial<SessionView>, number, string]>([
    ['expired', { status: 'expired' }, 410, 'This link has expired'],
    ['completed', { status: 'completed' }, 410, 'This link has already been used'],
    ['cancelled', { status: 'failed', error_code: 'CANCELLED' }, 410, 'This link is no longer valid'],
    ['failed', { status: 'failed', error_code: 'TOO_MANY_ATTEMPTS' }, 410, 'This link is no longer valid'],
  ])('says of a link that is %s what became of it', async (_, session, status, heading) => {
    const link = newLink(session);
    await serve(link);
    const { statusCode, body, headers } = await app!.inject(`/link/${link.token}`);
    expect([statusCode, headingOf(body)]).toEqual([status, heading]);
    expect(headers['set-cookie']).toBeUndefined();
    const [, address] = /data-address="(\/link\/over\/\w+)"/.exec(body)!;
    const again = await app!.inject(address!);
    expect([again.statusCode, headingOf(again.body)]).toEqual([status, heading]);
  });

  it('lets the page of a used one-time link tell of this further use, and tells of nothing by itself', async () => {
    const link = newLink({ status: 'completed', single_use: true });
    await serve(link);
    const { statusCode, body, headers } = await app!.inject(`/link/${link.token}`);
    expect([statusCode, headingOf(body)]).toEqual([410, 'This link has already been used']);
    expect(headers['set-cookie']).toContain(`lk_${link.sid}=${link.token}; Max-Age=`);
    expect(body).toMatch(new RegExp(`data-base="/link/s/${link.sid}" data-address="/link/over/used" data-used>`));
    expect(bus.asked.map(({ subject }) => subject)).toEqual(['link-session.page']);
    for (const own of [await open(link), await app!.inject('/link/over/used')])
      expect(own.body).not.toContain('data-used');
  });

  it('knows no other names of links that are over', async () => {
    await serve();
    expect((await app!.inject('/link/over/constructor')).statusCode).toBe(404);
  });

  it('shows the same page for unknown, malformed and much too long tokens', async () => {
    await serve();
    const unknown = await app!.inject(`/link/${newLink().token}`);
    const malformed = await app!.inject('/link/%3Cscript%3E');
    const long = await app!.inject(`/link/${'a'.repeat(90)}`);
    expect([unknown, malformed, long].map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
    expect(headingOf(unknown.body)).toBe('This link is no longer valid');
    expect(malformed.body).toBe(unknown.body);
    expect(long.body).toBe(unknown.body);
  });

  it('limits how many links an address may guess, and asks nobody beyond', async () => {
    const link = newLink();
    await serve(link);
    for (let miss = 0; miss < 5; miss += 1) await app!.inject(`/link/${newLink().token}`);
    const asked = bus.asked.length;
    const { statusCode, headers, body } = await app!.inject(`/link/${newLink().token}`);
    expect([statusCode, headingOf(body)]).toEqual([429, 'Please wait a moment']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(30);
    expect(bus.asked).toHaveLength(asked);
    expect((await app!.inject({ url: '/link/x', remoteAddress: '198.51.100.7' })).statusCode).toBe(404);
  });

  it.each([
    ['GET', ''],
    ['GET', '/leave'],
    ['POST', '/activate'],
    ['POST', '/finish'],
  ] as const)(
    'limits them also by made-up cookies at %s %s, and keeps nobody from an open link',
    async (method, path) => {
      const link = newLink();
      await serve(link);
      expect((await open(link)).statusCode).toBe(200);
      const guess = (made = newLink()) =>
        app!.inject({
          ...{ method, url: `/link/s/${made.sid}${path}` },
          headers: { cookie: cookieOf(made), 'x-latchkey-page': '1', 'content-type': 'application/json' },
          ...(method === 'POST' && { payload: '{"attempt_id":"a","token":"t"}' }),
        });
      for (let miss = 0; miss < 5; miss += 1) expect([401, 404]).toContain((await guess()).statusCode);
      const asked = bus.asked.length;
      const refused = await guess();
      expect([refused.statusCode, Number(refused.headers['retry-after']) > 30]).toEqual([429, true]);
      expect(bus.asked).toHaveLength(asked);
      expect((await open(link)).statusCode).toBe(200);
      const activated = await app!.inject({
        ...{ method: 'POST', url: `/link/s/${link.sid}/activate` },
        headers: { cookie: cookieOf(link), 'x-latchkey-page': '1' },
      });
      expect(activated.statusCode).toBe(200);
    },
  );

  it.each<[ConstructorParameters<typeof DomainError>[0], number]>([
    ['RATE_LIMITED', 429],
    ['INTERNAL', 500],
  ])('keeps the token out of the address bar also after %s', async (code, status) => {
    await serve();
    bus.answers['link-session.page'] = () => {
      throw new DomainError(code);
    };
    const link = newLink();
    const { statusCode, headers, body } = await app!.inject(`/link/${link.token}`);
    expect([statusCode, headers['set-cookie']]).toEqual([status, expect.stringContaining(`lk_${link.sid}=`)]);
    expect(body).toContain(`data-address="/link/s/${link.sid}"`);
  });

  it('answers 503 with a page while a part is away, which asks again without the token', async () => {
    await serve();
    bus.answers = {};
    const link = newLink();
    const { statusCode, headers, body } = await app!.inject(`/link/${link.token}`);
    expect(headers['set-cookie']).toContain(`lk_${link.sid}=${link.token}; Max-Age=3600; Path=/link/s/${link.sid};`);
    expect(body).toContain(`data-address="/link/s/${link.sid}"`);
    expect(body).toContain(`href="/link/s/${link.sid}">Try again</a>`);
    expect(body).not.toContain(link.token);
    expect([statusCode, headingOf(body)]).toEqual([503, 'We will be right back']);
    expect(headers['retry-after']).toBe('1');
    expect(body).toContain('Try again');
  });

  it.each<[ConstructorParameters<typeof DomainError>[0], number]>([
    ['EXPIRED', 410],
    ['CONSUMED', 410],
    ['GONE', 410],
    ['INTERNAL', 500],
  ])('turns the refusal %s into a page with status %i', async (code, status) => {
    await serve();
    bus.answers['link-session.page'] = () => {
      throw new DomainError(code);
    };
    const { statusCode, headers } = await app!.inject(`/link/${newLink().token}`);
    expect([statusCode, headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
  });
});

describe('the page of a session', () => {
  it('keeps two sessions in two tabs apart', async () => {
    const [one, other] = [newLink({ label: 'first' }), newLink({ label: 'second' })];
    await serve(one, other);
    expect((await open(one)).body).toContain('first');
    expect((await open(other)).body).toContain('second');
    const crossed = await app!.inject({
      url: `/link/s/${one.sid}`,
      headers: { cookie: `lk_${one.sid}=${other.token}` },
    });
    expect(crossed.statusCode).toBe(404);
  });

  it.each(['', 'lk_00000000=x', 'lk_00000000', ';;;=', 'lk_00000000=%E0%A4%A'])(
    'does not open with the cookie "%s"',
    async (cookie) => {
      await serve();
      const { statusCode, body } = await app!.inject({ url: '/link/s/00000000', headers: { cookie } });
      expect([statusCode, headingOf(body)]).toEqual([404, 'This link is no longer valid']);
      expect(bus.asked).toEqual([]);
    },
  );

  it('carries the strict headers, no inline script, and the one style that its policy names', async () => {
    const link = newLink();
    await serve(link);
    const { headers, body } = await open(link);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'x-robots-tag': 'noindex, nofollow',
    });
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src ${styleSource}; img-src 'self' data:; connect-src 'self'; ` +
        "frame-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:/i);
    const styles = [...body.matchAll(/<style>([^]*?)<\/style>/g)].map(([, css]) => css!);
    const hashOf = (css: string) => `'sha256-${createHash('sha256').update(css).digest('base64')}'`;
    expect(styles.map(hashOf)).toEqual([styleSource]);
    expect(body).not.toContain(link.token);
  });

  it('names a provider’s host on that provider’s own step only', async () => {
    const link = newLink();
    await serve(link);
    const [page, plaid, teller] = await Promise.all(
      ['', '/with/plaid', '/with/teller'].map((path) => open(link, path)),
    );
    const policyOf = (answer: typeof page) => String(answer!.headers['content-security-policy']);
    expect(policyOf(page)).not.toMatch(/plaid|teller/);
    expect(policyOf(plaid)).toContain("script-src 'self' https://cdn.plaid.com/link/v2/stable/link-initialize.js;");
    expect(policyOf(plaid)).not.toContain('teller');
    expect(policyOf(teller)).toContain("script-src 'self' https://cdn.teller.io/connect/connect.js;");
    expect(policyOf(teller)).not.toContain('plaid');
    expect(plaid!.body).not.toContain('cdn.plaid.com');
  });

  it('shows the ordinary page instead of a step that the session does not offer', async () => {
    const link = newLink({ provider: 'plaid' });
    await serve(link);
    const { body, headers } = await open(link, '/with/teller');
    expect(headingOf(body)).toBe('Connect your bank');
    expect(headers['content-security-policy']).not.toContain('teller');
    expect(body).toContain(`data-address="/link/s/${link.sid}"`);
    expect(body).toContain('data-shows="open 0 "');
  });

  it('answers HEAD at once also where it would be followed', async () => {
    const link = newLink();
    await serve(link);
    const { statusCode } = await app!.inject({
      method: 'HEAD',
      url: `/link/s/${link.sid}/events`,
      headers: { cookie: cookieOf(link) },
    });
    expect([statusCode, bus.count('link-session.page.next')]).toEqual([200, 0]);
  });

  it('escapes what others have written', async () => {
    const link = newLink({ label: '<img src=x onerror=alert(1)>"' });
    await serve(link);
    const { body } = await open(link);
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(body).not.toContain('<img');
  });

  it('lets nothing that others have written turn around the words beside it', async () => {
    const link = newLink({ label: 'Ada\u202egnp\u2066' });
    await serve(link);
    expect((await open(link)).body).toContain('Ada\uFFFDgnp\uFFFD');
  });

  it.each([
    ['de-AT,de;q=0.9', 'de', 'Verbinden Sie Ihre Bank'],
    ['es', 'es', 'Conecta tu banco'],
    ['pt-BR', 'pt', 'Conecte seu banco'],
    ['fr', 'fr', 'Connectez votre banque'],
    ['ja', 'en', 'Connect your bank'],
  ])('speaks the language of %s', async (accepted, lang, heading) => {
    const link = newLink();
    await serve(link);
    const { body, headers } = await open(link, '', { 'accept-language': accepted });
    expect(body).toContain(`<html lang="${lang}">`);
    expect([headingOf(body), headers['content-language']]).toEqual([heading, lang]);
  });

  it('speaks the language that was chosen, from then on', async () => {
    const link = newLink();
    await serve(link);
    const chosen = await open(link, '?lang=de', { 'accept-language': 'fr' });
    const kept = 'lk_language=de; Max-Age=31536000; Path=/link; HttpOnly; SameSite=Lax';
    expect([headingOf(chosen.body), chosen.headers['set-cookie']]).toEqual(['Verbinden Sie Ihre Bank', kept]);
    const cookie = `${cookieOf(link)}; lk_language=de`;
    expect(headingOf((await open(link, '', { cookie, 'accept-language': 'fr' })).body)).toBe('Verbinden Sie Ihre Bank');
    const unknown = await app!.inject({ url: `/link/${newLink().token}?lang=es` });
    expect([headingOf(unknown.body), unknown.statusCode]).toEqual(['Este enlace ya no es válido', 404]);
    const wrong = await open(link, '?lang=constructor', { 'accept-language': 'fr' });
    expect([headingOf(wrong.body), wrong.headers['set-cookie']]).toEqual(['Connectez votre banque', undefined]);
  });

  it.each([
    ['br', 'gzip, deflate, br;q=0.5', brotliDecompressSync],
    ['gzip', 'br;q=0, GZIP', gunzipSync],
  ] as const)('comes as %s to who accepts %s', async (encoding, accepted, unpack) => {
    const link = newLink();
    await serve(link);
    const { headers, rawPayload } = await open(link, '', { 'accept-encoding': accepted });
    expect([headers['content-encoding'], headers.vary]).toEqual([encoding, 'accept-encoding']);
    expect(headingOf(unpack(rawPayload).toString())).toBe('Connect your bank');
  });

  it('serves its script under a name that a browser may keep for ever', async () => {
    const link = newLink();
    await serve(link);
    const { body } = await open(link);
    for (const [, path] of body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)) {
      const { statusCode, headers } = await app!.inject(path!);
      expect([statusCode, headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
      const encodings = ['br', 'br;q=0'].map((accepted) => encodingOf(path!, accepted));
      expect(await Promise.all(encodings)).toEqual(['br', undefined]);
    }
    for (const missing of ['/assets/pages/link.000000000000.js', '/assets/admin/admin.000000000000.js']) {
      const { statusCode, headers } = await app!.inject(missing);
      expect([statusCode, headers['cache-control']]).toEqual([404, 'no-store']);
    }
  });
});

describe('who asks', () => {
  const lead = (body: string) => /<p class="lead">(.*?)<\/p>/s.exec(body)?.[1];

  it('is the project, by its name and never by its markup', async () => {
    const link = newLink({}, { project_name: 'Tom & <b>Ada</b>' });
    await serve(link);
    expect(lead((await open(link)).body)).toBe('Tom &amp; &lt;b&gt;Ada&lt;/b&gt; would like to connect to your bank.');
  });

  it('is the installation where the project has no name of its own', async () => {
    const link = newLink();
    await serve(link);
    expect(lead((await open(link)).body)).toMatch(/^Latchkey would like/);
  });
});
