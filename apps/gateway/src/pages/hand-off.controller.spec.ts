import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DomainError } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { answersFor, cookieOf, type Link, newLink, PageBus, startPages } from '../../../../test/page-app.js';
import { HandOffCodes } from './hand-off-code.js';

const bus = new PageBus();
const origin = 'https://money.example';
let app: NestFastifyApplication;
let codes: HandOffCodes;
let link: Link;

beforeAll(async () => {
  app = await startPages(bus, { PUBLIC_BASE_URL: origin });
  codes = app.get(HandOffCodes);
});
afterAll(() => app.close());
beforeEach(() => {
  link = newLink();
  bus.answers = answersFor(link);
  bus.asked.splice(0);
});

const headers = { 'x-latchkey-page': '1', 'content-type': 'application/json' };
const offer = (cookie = cookieOf(link)) =>
  app.inject({ method: 'POST', url: `/link/s/${link.sid}/hand-off`, headers: { ...headers, cookie }, payload: '{}' });
const take = (code: string, more: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/link/continue', headers: { ...headers, ...more }, payload: { code } });

describe('going on at another device', () => {
  it('begins with a picture, in which nobody but a gateway can read the token', async () => {
    const { statusCode, body } = await offer();
    const { path, size, seconds } = JSON.parse(body) as { path: string; size: number; seconds: number };
    expect([statusCode, seconds]).toEqual([200, 120]);
    expect(path).toMatch(/^(M\d+ \d+h\d+v1h-\d+z)+$/);
    expect(size).toBeGreaterThan(40);
    expect(body).not.toContain(link.token);
    expect((await offer('')).statusCode).toBe(401);
  });

  it('gives the other device the cookie, and the bus no more than hashes', async () => {
    const code = codes.seal(link.token);
    const answer = await take(code, { origin });
    expect([answer.statusCode, answer.json()]).toEqual([200, { path: `/link/s/${link.sid}` }]);
    const cookie = answer.headers['set-cookie'];
    expect(cookie).toContain(`lk_${link.sid}=${link.token}.guest; Max-Age=`);
    expect(cookie).toContain('; HttpOnly; Secure; SameSite=Lax');
    expect(bus.lastAsked('link-session.hand-over')).toMatchObject({ code_hash: hashSecret(code) });
    expect(JSON.stringify(bus.asked)).not.toContain(link.token);
    expect(JSON.stringify(bus.asked)).not.toContain(code);
  });

  it('is refused with a code that is over, changed or used', async () => {
    expect((await take(codes.seal(link.token, Date.now() - 121_000))).statusCode).toBe(401);
    expect((await take('nonsense')).statusCode).toBe(401);
    expect((await take('x'.repeat(300))).statusCode).toBe(400);
    bus.answers['link-session.hand-over'] = () => {
      throw new DomainError('CONSUMED');
    };
    const used = await take(codes.seal(link.token));
    expect([used.statusCode, used.headers['set-cookie']]).toEqual([410, undefined]);
  });

  it('is refused to another site, and nothing that looks at the address uses a code up', async () => {
    expect((await take(codes.seal(link.token), { origin: 'https://evil.example' })).statusCode).toBe(403);
    const seen = await app.inject('/link/continue');
    expect([seen.statusCode, seen.headers['set-cookie']]).toEqual([200, undefined]);
    expect(bus.asked).toEqual([]);
  });

  it('needs no way back to the app at the other device', async () => {
    Object.assign(link.page.session, { status: 'completed', redirect_url: 'https://app.example/x' });
    for (const path of ['', '/with/plaid']) {
      const at = (cookie: string) => app.inject({ url: `/link/s/${link.sid}${path}`, headers: { cookie } });
      expect((await at(cookieOf(link))).body).toContain('Taking you back to app.example');
      const { body } = await at(`${cookieOf(link)}.guest`);
      expect(body).toContain('go on at your other device');
      expect(body).not.toContain('app.example');
    }
  });

  it('ends where the link itself is opened at the other device, which is then like any', async () => {
    const taken = await take(codes.seal(link.token), { origin });
    const opened = await app.inject(`/link/${link.token}`);
    const [at, own] = [taken, opened].map(({ headers }) => String(headers['set-cookie']).split(';')[0]!.split('='));
    // Of two cookies of one name and path the browser keeps the later.
    expect(own![0]).toBe(at![0]);
    const guestsPage = (value: string) =>
      app.inject({ url: `/link/s/${link.sid}`, headers: { cookie: `lk_${link.sid}=${value}` } });
    expect((await guestsPage(at![1]!)).body).toContain(' data-guest');
    expect((await guestsPage(own![1]!)).body).not.toContain(' data-guest');
  });
});

describe('following a session', () => {
  const follow = (cookie = cookieOf(link)) => app.inject({ url: `/link/s/${link.sid}/events`, headers: { cookie } });

  it('tells each change and ends with the session', async () => {
    const followed = follow();
    await new Promise((resolve) => setImmediate(resolve));
    link.page.hand_overs = 1;
    await until(() => bus.count('link-session.page.next') > 1);
    Object.assign(link.page.session, { status: 'completed', result_connection_ids: ['c1'] });
    const { body, headers } = await followed;
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const told = [...body.matchAll(/event: page\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data!) as object);
    expect(told.at(-2)).toMatchObject({ status: 'pending', hand_overs: 1, shows: 'open 0 ' });
    expect(told.at(-1)).toMatchObject({ status: 'completed', shows: 'completed 1 ' });
    expect(body.endsWith('event: end\ndata: {}\n\n')).toBe(true);
    expect(body).not.toContain(link.token);
  });

  it('is for so many tabs and devices at once, and further ones are told to come again', async () => {
    const other = newLink();
    bus.answers = answersFor(link, other);
    const followed = Array.from({ length: 20 }, () => follow());
    await until(() => bus.count('link-session.page.next') >= 20);
    const refused = await follow();
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '5']);
    expect(refused.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    other.page.session.status = 'completed';
    const elsewhere = await app.inject({ url: `/link/s/${other.sid}/events`, headers: { cookie: cookieOf(other) } });
    expect(elsewhere.statusCode).toBe(200);
    link.page.session.status = 'completed';
    expect(new Set((await Promise.all(followed)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect((await follow()).statusCode).toBe(200);
  });

  it('is refused without the cookie', async () => expect((await follow('')).statusCode).toBe(401));
});

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isTrue(); await wait(5)) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${isTrue.toString()}`);
  }
}
