import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SignedInOperator } from '#contracts/operator.js';
import { DomainError } from '#contracts/errors.js';
import { keyIdentity, newToken } from '#contracts/secrets.js';
import { answers } from '../test/answers.js';
import { adminKey, platformReader, readKey, startGateway, type TestGateway } from '../test/gateway.js';

const operator: SignedInOperator = { id: 'o', email: 'ada@example.com', role: 'viewer' };
let gateway: TestGateway;
/** What happens while the second of three pages is being read. */
let meanwhile: () => unknown;
let hasBegun: Promise<void>;
let begin: () => void;

beforeAll(async () => {
  gateway = await startGateway();
  Object.assign(gateway.bus.answers, answers);
  await gateway.app.listen(0, '127.0.0.1');
});
afterAll(() => gateway.app.close());
beforeEach(() => {
  hasBegun = new Promise((resolve) => (begin = resolve));
  meanwhile = () => undefined;
  gateway.bus.answers['key.operator.session'] = () => operator;
  gateway.bus.answers['audit.export.page'] = async (ask) => {
    const page = await answers['audit.export.page']!(ask);
    if (ask.from === null) return { ...page, next: '1' };
    if (ask.from === '2') return page;
    await hasBegun;
    meanwhile();
    return { ...page, next: '2' };
  };
});

/** How many lines have come, and whether the file came to its end. */
async function download(path: string, headers: Record<string, string>) {
  const { body } = await fetch((await gateway.app.getUrl()) + path, { headers });
  let text = '';
  const read = async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      begin();
    }
  };
  const isWhole = await read().then(
    () => true,
    () => false,
  );
  return { isWhole, lines: text.split('\n').length - 1 };
}

describe('an export', () => {
  it('comes to its end while its key is good', async () => {
    expect(await download('/api/v1/audit/export', { 'x-api-key': adminKey })).toEqual({ isWhole: true, lines: 3 });
  });

  it('of which only the head is asked for reads no page', async () => {
    const pages = () => gateway.bus.asked.filter(({ subject }) => subject === 'audit.export.page').length;
    const before = pages();
    const head = await fetch(`${await gateway.app.getUrl()}/api/v1/audit/export`, {
      method: 'HEAD',
      headers: { 'x-api-key': adminKey },
    });
    expect([head.status, head.headers.get('x-export-entries')]).toEqual([200, expect.stringMatching(/^\d+$/)]);
    await download('/api/v1/audit/export', { 'x-api-key': adminKey });
    expect(pages() - before).toBe(3);
  });

  it('of which the first page is refused is no file', async () => {
    gateway.bus.answers['audit.export.page'] = () => {
      throw new DomainError('INTERNAL');
    };
    const url = `${await gateway.app.getUrl()}/api/v1/audit/export`;
    for (let more = 11; more > 0; more--) {
      const { status, headers } = await fetch(url, { headers: { 'x-api-key': adminKey } });
      const ofFile = ['content-disposition', 'x-export-entries'].map((name) => headers.get(name));
      expect([status, headers.get('content-type'), ...ofFile]).toEqual([
        500,
        expect.stringMatching(/json/),
        null,
        null,
      ]);
    }
  });

  it('is one of ten that a key may have open', async () => {
    const url = `${await gateway.app.getUrl()}/api/v1/audit/export`;
    const open = () => fetch(url, { headers: { 'x-api-key': adminKey } });
    const some = await Promise.all(Array.from({ length: 10 }, open));
    const more = await open();
    expect([more.status, more.headers.get('retry-after')]).toEqual([429, '5']);
    expect([more.headers.get('content-disposition'), more.headers.get('x-export-entries')]).toEqual([null, null]);
    begin();
    await Promise.all(some.map((one) => one.text()));
    expect((await open()).status).toBe(200);
  });

  it.each([
    ['/api/v1/audit/export', readKey],
    ['/v1/audit/export', platformReader],
  ])('%s is broken off when its key is revoked, and holds nothing that was read after that', async (path, key) => {
    meanwhile = () => gateway.bus.change(keyIdentity(key).id);
    expect(await download(path, { authorization: `Bearer ${key}` })).toEqual({ isWhole: false, lines: 1 });
  });

  it('of the dashboard is broken off when its session ends', async () => {
    const cookie = `lk_admin=${newToken()}`;
    expect(await download('/admin/timeline/export', { cookie })).toEqual({ isWhole: true, lines: 3 });
    meanwhile = () => (gateway.bus.answers['key.operator.session'] = () => null);
    hasBegun = new Promise((resolve) => (begin = resolve));
    expect(await download('/admin/timeline/export', { cookie })).toEqual({ isWhole: false, lines: 1 });
  });

  it('that is broken off does not look whole to HTTP/1.0, which knows no other end than that of the connection', async () => {
    meanwhile = () => gateway.bus.change(keyIdentity(adminKey).id);
    const socket = connect(Number(new URL(await gateway.app.getUrl()).port), '127.0.0.1');
    socket.on('data', begin).write(`GET /api/v1/audit/export HTTP/1.0\r\nX-API-Key: ${adminKey}\r\n\r\n`);
    await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a gateway that is stopped', () => {
  it('does not wait for an export to come to its end, and breaks it off so that it does not look whole', async () => {
    const { app, bus } = await startGateway();
    Object.assign(bus.answers, answers);
    const page = answers['audit.export.page']!;
    bus.answers['audit.export.page'] = async (ask) => ({ ...(await page(ask)), next: '1' });
    await app.listen(0, '127.0.0.1');
    const { body } = await fetch(`${await app.getUrl()}/api/v1/audit/export`, { headers: { 'x-api-key': adminKey } });
    const reader = body!.getReader();
    await reader.read();
    await app.close();
    const readOn = async () => {
      while (!(await reader.read()).done);
    };
    await expect(readOn()).rejects.toThrow('terminated');
  });
});
