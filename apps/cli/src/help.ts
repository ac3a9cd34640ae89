import { beginningWith, type Command, commonOptions } from './arguments.js';

const MORE = 'latchkey <command> --help says more about one.';
const asksForHelp = (word: string): boolean => ['--help', '-h'].includes(word);

/** One line per command. */
function list(commands: Command[]): string {
  const width = Math.max(...commands.map(({ words }) => words.length));
  return commands.map(({ words, does }) => `  ${words.padEnd(width)}  ${does}`).join('\n');
}

/** The help that is asked for in place of a command, or of all that begin with a word. */
export function helpAsked([first = '', ...rest]: string[], commands: Command[]): string | undefined {
  if (first === 'help') return helpFor(rest.join(' '), commands) ?? overview(commands);
  if (asksForHelp(first)) return overview(commands);
  return rest.length === 1 && asksForHelp(rest[0]!) ? helpFor(first, commands) : undefined;
}

/** What there is to say of a command and of those that begin with its words. */
export function helpFor(words: string | undefined, commands: Command[]): string | undefined {
  if (words === undefined) return undefined;
  const command = commands.find((one) => one.words === words);
  const group = beginningWith(words, commands);
  const head = command ? helpOf(command) : `Usage: latchkey ${words} …`;
  if (group.length > 0) return `${head}\n\n${list(group)}\n\n${MORE}`;
  return command && head;
}

export function overview(commands: Command[]): string {
  return `Usage: latchkey <command> [options]

${list(commands)}

${MORE}

--url URL or LATCHKEY_URL says where Latchkey is; a local one is found by itself.
--key KEY or LATCHKEY_API_KEY says who asks.
--json, or a pipe, gives JSON, one document per line.

It ends with 0, with 1 when something did not work (docs/errors.md says what a code means), and with 2 when the command line
makes no sense.`;
}

export function helpOf({ words, does, takes = [], options = {}, required = [] }: Command): string {
  const usage = [
    `Usage: latchkey ${words}`,
    ...takes.map((name) => `<${name}>`),
    ...Object.entries(options).map(([name, kind]) => bracket(flag(name, kind), required.includes(name))),
    ...Object.entries(commonOptions).map(([name, kind]) => bracket(flag(name, kind), false)),
  ];
  return `${usage.join(' ')}\n\n${does}`;
}

const flag = (name: string, kind: string | true): string => (kind === true ? `--${name}` : `--${name} ${kind}`);
const bracket = (text: string, required: boolean): string => (required ? text : `[${text}]`);
