import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { parse } from '../arguments.js';
import { Cli } from '../cli.js';
import { commands } from '../commands.js';

const server = createServer();
const asked: string[] = [];
afterEach(() => {
  asked.length = 0;
  server.removeAllListeners('request').close();
  jest.restoreAllMocks();
});

/** Runs a command against these answers, one for each request in turn, and returns what it said. */
async function run(line: string[], answers: RequestListener[], LATCHKEY_API_KEY = 'bb_x') {
  const said = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  server.on('request', (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answers.shift()!(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const LATCHKEY_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const given = parse([...line, '--json'], commands);
  await given.command.run(given, new Cli(given, { DATA_DIR: '/nowhere', LATCHKEY_API_KEY, LATCHKEY_URL }));
  return said.mock.calls.map(([text]) => JSON.parse(String(text)) as object);
}

const gives =
  (body: object): RequestListener =>
  (_request, response) =>
    response.end(JSON.stringify(body));
/** What a proxy says when Latchkey is not there behind it. */
const proxyPage =
  (status: number): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');

describe('an outage behind a proxy', () => {
  it.each([502, 503, 504])('of status %i is waited out by link --wait', async (status) => {
    const minted = { id: 'link_session_1', status: 'pending', url: 'x', expires_at: new Date().toISOString() };
    const ended = { ...minted, status: 'completed' };
    const said = await run(['link', '--user', 'u', '--wait'], [gives(minted), proxyPage(status), gives(ended)]);
    expect(said).toEqual([minted, ended]);
  });

  it.each([502, 503, 504])('of status %i is waited out by replay', async (status) => {
    const running = { id: 'r', state: 'running', verify: false, drifted: false, views: [] };
    const over = { ...running, state: 'completed' };
    const said = await run(['replay'], [gives(running), proxyPage(status), gives(over)]);
    expect(said).toEqual([over]);
  });
});

describe('what answers and is not Latchkey', () => {
  it('is said to be none, where it gives a page for everything', async () => {
    const page = proxyPage(200);
    await expect(run(['users', 'list'], [page])).rejects.toMatchObject({ code: 'HTTP_200' });
  });

  it('is waited out by link --wait where an answer breaks off', async () => {
    const minted = { id: 'link_session_1', status: 'pending', url: 'x', expires_at: new Date().toISOString() };
    const breaksOff: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"id"');
      setImmediate(() => response.destroy());
    };
    const ended = { ...minted, status: 'completed' };
    expect(await run(['link', '--user', 'u', '--wait'], [gives(minted), breaksOff, gives(ended)])).toEqual([
      minted,
      ended,
    ]);
  });
});

it('a key that was not filled in is named before anything is asked', () => {
  const given = parse(['users', 'list'], commands);
  const env = { DATA_DIR: '/nowhere', LATCHKEY_API_KEY: 'bb_…' };
  expect(() => new Cli(given, env)).toThrow('is no API key');
});

describe('a key that has asked too often', () => {
  const tooOften: RequestListener = (request, response) =>
    gives({ error: { code: 'RATE_LIMITED', message: 'Slow down.' } })(request, response.writeHead(429));

  it('waits with replay, and asks no more than once a second', async () => {
    const running = { id: 'r', state: 'running', verify: false, drifted: false, views: [] };
    const over = { ...running, state: 'done' };
    const since = performance.now();
    const said = await run(['replay'], [gives(running), tooOften, proxyPage(503), gives(running), gives(over)]);
    expect([said, asked.length]).toEqual([[over], 5]);
    expect(performance.now() - since).toBeGreaterThan(3_900);
  });

  it('waits with vault rotate', async () => {
    const status = { current_epoch: 2, epochs: [], remaining: 1, last_error: null };
    const over = { ...status, remaining: 0 };
    expect(await run(['vault', 'rotate'], [gives(status), tooOften, proxyPage(503), gives(over)])).toEqual([over]);
  });
});

it.each([
  ['keys create --name agent --scope full_access', 'POST /api/v1/api-keys'],
  ['users create --name Ada', 'POST /api/v1/users'],
  ['link --user u', 'POST /api/v1/connections/link'],
  ['audit export', 'GET /api/v1/audit/export'],
  ['audit --follow', 'GET /api/v1/audit'],
])('%s does not follow a redirect, which would make a read of it', async (line, first) => {
  const elsewhere: RequestListener = (_request, response) => response.writeHead(301, { location: '/elsewhere' }).end();
  const running = run(line.split(' '), [elsewhere, gives({ entries: [] })]);
  await expect(running).rejects.toMatchObject({ code: 'REDIRECTED', message: expect.stringContaining('/elsewhere') });
  expect(asked).toEqual([first]);
});

it('an address with a slash behind it is the same address, also for the live timeline', async () => {
  const refused: RequestListener = (request, response) => gives({ error: {} })(request, response.writeHead(403));
  await expect(run(['audit', '--follow'], [gives({ entries: [] }), refused])).rejects.toThrow('Forbidden');
  expect(asked).toEqual(['GET /api/v1/audit', 'GET /api/v1/audit/stream']);
});

it('the timeline of one request is that of one request, also as it goes on', async () => {
  const refused: RequestListener = (request, response) => gives({ error: {} })(request, response.writeHead(403));
  const following = run(['audit', '--request', 'r-1', '--follow'], [gives({ entries: [] }), refused]);
  await expect(following).rejects.toThrow('Forbidden');
  expect(asked).toEqual(['GET /api/v1/audit?request_id=r-1', 'GET /api/v1/audit/stream?request_id=r-1']);
});

it('a platform key reads the timeline where it is known, as one', async () => {
  const sent: unknown[] = [];
  const refused: RequestListener = (request, response) => {
    sent.push(request.headers.authorization, request.headers['x-api-key']);
    gives({ error: {} })(request, response.writeHead(403));
  };
  const [page, key] = [gives({ entries: [] }), 'csk_test_x'];
  await expect(run(['audit', '--follow'], [page, refused], key)).rejects.toThrow('Forbidden');
  server.removeAllListeners('request').close();
  await expect(run(['audit', 'export'], [refused], key)).rejects.toThrow('Forbidden');
  expect(asked).toEqual(['GET /v1/audit', 'GET /v1/audit/stream', 'GET /v1/audit/export']);
  expect(sent).toEqual([`Bearer ${key}`, undefined, `Bearer ${key}`, undefined]);
});

it.each(['ndjson', 'csv'])(
  'an export as %s that ends too early is broken off, though its end looks like one',
  async (format) => {
    const cut: RequestListener = (_request, response) =>
      response.writeHead(200, { 'x-export-entries': '3', 'x-export-exact': 'true' }).end('{"seq":1}\n{"seq":2}\n');
    const exporting = run(['audit', 'export', '--format', format, '--out', '/dev/null'], [cut]);
    await expect(exporting).rejects.toMatchObject({
      code: 'BROKEN_OFF',
      message: expect.stringContaining(' of 3 entries'),
    });
  },
);

it('a cancelled session is said to be what it is', async () => {
  const said = await run(['sessions', 'cancel', 'x'], [(_request, response) => response.writeHead(204).end()]);
  expect(said).toEqual([{ id: 'x', status: 'failed', error_code: 'CANCELLED' }]);
});
