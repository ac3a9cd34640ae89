import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Given, parse } from './arguments.js';
import { Cli } from './cli.js';
import { commands } from './commands.js';
import { inOneLine, printable, printableJson } from './printable.js';

/** Moves the clipboard, starts a sequence, reads from right to left and begins a line, each where it is believed. */
const hostile = 'a\u001b]52;c;x\u0007\u009b31m\u202egnp\u2066\u200f\u2028\u2029\rb';
const harmless = 'a ]52;c;x  31m gnp     b';

describe('what others wrote', () => {
  it('steers no terminal, and keeps its lines only where they are ours', () => {
    expect(printable(`${hostile}\nc`)).toBe(`${harmless}\nc`);
    expect(inOneLine(`${hostile}\nc`)).toBe(`${harmless} c`);
  });

  it('keeps its letters, also those that are written from right to left', () => {
    expect(inOneLine('שלום عمر Ünï 😀')).toBe('שלום عمر Ünï 😀');
  });

  it('is the same JSON as before', () => {
    const thing = { label: `${hostile}\n\u007f` };
    const line = printableJson(`${JSON.stringify(thing)}\n`);
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toEqual(thing);
  });
});

describe('at a terminal', () => {
  const server = createServer();
  afterEach(() => {
    Reflect.deleteProperty(process.stdout, 'isTTY');
    server.removeAllListeners('request').close();
    jest.restoreAllMocks();
  });

  const cliFor = (given: Given, url?: string) => {
    Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
    return new Cli(given, { DATA_DIR: '/nowhere', LATCHKEY_API_KEY: 'bb_x', LATCHKEY_URL: url });
  };
  const lines = () => {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    return () => log.mock.calls.map(([text]) => String(text));
  };
  /** Runs a command against what is there for the end of the path; anything else is forbidden. */
  async function run(line: string, answers: Record<string, string>) {
    server.on('request', ({ url }, response) => {
      const answer = answers[url!.split('?')[0]!.split('/').at(-1)!];
      response.writeHead(answer === undefined ? 403 : 200).end(answer ?? '{}');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const given = parse(line.split(' '), commands);
    return given.command.run(given, cliFor(given, `http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  }

  it('a sentence, a page and one thing are shown without what steers it', () => {
    const said = lines();
    const cli = cliFor(parse(['doctor'], commands));
    cli.say(`${hostile}\n`);
    cli.showPage({ next_cursor: hostile }, [{ label: hostile }], ['label']);
    cli.show({ [hostile]: 'x' });
    expect(said()).toEqual([`${harmless}\n`, `LABEL\n${harmless}`, `\nMore: --cursor ${harmless}`, `${harmless}  x`]);
  });

  it('JSON is shown in plain characters', () => {
    const said = lines();
    cliFor(parse(['doctor', '--json'], commands)).showPage({ rows: [hostile] }, [], []);
    expect(said()).toEqual([expect.stringMatching(/^[\x20-\x7e]+$/)]);
    expect(JSON.parse(said()[0]!)).toEqual({ rows: [hostile] });
  });

  it('a name on the live timeline begins no entry', async () => {
    const said = lines();
    const entry = {
      at: 'now',
      actor: { name: `Ada\n${hostile}` },
      subject: { kind: 'user', short_id: 'x' },
      summary: 's',
    };
    const following = run('audit --follow', { audit: JSON.stringify({ entries: [entry] }) });
    await expect(following).rejects.toThrow('Forbidden');
    expect(said()).toEqual([`now  Ada ${harmless}  user x  s`]);
  });

  it.each([
    ['ndjson', `${JSON.stringify({ label: hostile })}\n`, /^[\x20-\x7e]+\n$/],
    ['csv', `label\n"${hostile}"\n`, `label\n"${harmless}"\n`],
  ])('an export as %s is shown without what steers it', async (format, file, shown) => {
    const out: string[] = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    await run(`audit export --format ${format}`, { export: file });
    expect(out.join('')).toEqual(typeof shown === 'string' ? shown : expect.stringMatching(shown));
  });
});
