import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Readable } from 'node:stream';
import { answerOf, auditAt, headersOf, reasonOf, refusalOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { type Progress, watched } from '../export-progress.js';
import { inOneLine, printable, printableJson } from '../printable.js';
import { readKeys } from '../verify/checkpoints.js';
import { linesOf } from '../verify/lines.js';
import { type Verdict, verify } from '../verify/verify.js';

const FILTERS = ['subject', 'actor', 'type', 'from', 'to'] as const;

export const auditFileCommands: Command[] = [
  {
    words: 'audit export',
    does:
      'Write the timeline to a file or to standard output, oldest first. Without a filter it can be verified. At a terminal, ' +
      'or with --progress, standard error says how far it is.',
    options: {
      format: 'ndjson|csv',
      out: 'FILE',
      subject: 'ID',
      actor: 'ACTOR',
      type: 'EVENT',
      from: 'TIME',
      to: 'TIME',
      progress: true,
    },
    run: exportTo,
  },
  {
    words: 'audit verify',
    does:
      'Check an export offline: names the first entry that was changed, removed, doubled or moved. --jwks says where the ' +
      'public keys are (…/.well-known/jwks.json, or a copy of it); without it, signatures are not checked.',
    takes: ['file'],
    options: { jwks: 'FILE|URL' },
    async run({ at: [file], option }, cli) {
      const keys = option.jwks === undefined ? null : await readKeys(option.jwks);
      const verdict = await verify(linesOf(file!), keys).catch((error: NodeJS.ErrnoException) => {
        throw error.code ? new CliError('UNREADABLE', `${file} cannot be read (${error.code}).`) : error;
      });
      if (cli.json) cli.show(verdict);
      if (verdict.fault) throw new CliError(verdict.fault.kind.toUpperCase(), verdict.fault.message);
      cli.say(praise(verdict));
    },
  },
];

async function exportTo({ option, has }: Given, cli: Cli): Promise<void> {
  const key = cli.neededKey;
  const url = new URL(`${cli.url}${auditAt(key)}/export`);
  for (const name of ['format', ...FILTERS]) if (option[name]) url.searchParams.set(name, option[name]);
  const response = await answerOf(url, { headers: headersOf(key) }).catch((error: unknown) => {
    if (error instanceof CliError) throw error;
    throw new CliError('UNREACHABLE', `Latchkey does not answer at ${cli.url} (${reasonOf(error)}).`);
  });
  if (!response.ok) throw await refusalOf(response);
  const format = option.format === 'csv' ? 'csv' : 'ndjson';
  const shown = watched({
    format,
    entries: Number(response.headers.get('x-export-entries')),
    isExact: response.headers.get('x-export-exact') === 'true',
    show: showing(has.has('progress')),
  });
  const body = Readable.fromWeb(response.body as ReadableStream);
  try {
    if (option.out) await pipeline(body, shown, createWriteStream(option.out));
    else if (process.stdout.isTTY) await pipeline(body, shown, forTerminals[format], process.stdout, { end: false });
    else await pipeline(body, shown, process.stdout, { end: false });
  } catch (error) {
    if (isOfFile(error)) throw new CliError('OUTPUT_LOST', `The output could not be written (${error.message}).`);
    throw new CliError('BROKEN_OFF', `The export was broken off (${reasonOf(error)}).`);
  }
}

const textBy = (shown: (text: string) => string) =>
  async function* (chunks: AsyncIterable<Uint8Array>) {
    const decoder = new TextDecoder();
    for await (const chunk of chunks) yield shown(decoder.decode(chunk, { stream: true }));
    yield shown(decoder.decode());
  };

/** A file gets the export as it is. */
const forTerminals = { ndjson: textBy(printableJson), csv: textBy(printable) };

/** What the system refuses names its call; what becomes of a response does not. */
const isOfFile = (error: unknown): error is NodeJS.ErrnoException =>
  ['open', 'write', 'close'].includes((error as NodeJS.ErrnoException).syscall ?? '');

/** At a terminal one line that is written over; elsewhere a line each, for who asked. */
function showing(isWished: boolean): Progress['show'] {
  const { stderr } = process;
  if (stderr.isTTY) return (line, ended) => void stderr.write(`\r\u001b[K${inOneLine(line)}${ended ? '\n' : ''}`);
  return isWished ? (line) => void stderr.write(`${inOneLine(line)}\n`) : () => undefined;
}

const praise = ({ entries, checkpoints, signatures, signed_until }: Verdict): string =>
  `All ${entries} entries are as they were written, in their order, none missing.\n` +
  `${checkpoints} checkpoints, the last one at entry ${signed_until}; their signatures were ${signatures}` +
  `${signatures === 'checked' ? '' : ' (--jwks)'}.\n` +
  'Whether later entries were left out, a file cannot tell: compare with the newest entry of the timeline.';
