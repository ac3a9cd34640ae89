import { parseArgs } from 'node:util';
import type { Cli } from './cli.js';
import { UsageError } from './errors.js';

export interface Command {
  /** As typed: `keys create`. */
  words: string;
  /** What it does, for the help. */
  does: string;
  /** Names of what follows the words; all are needed. */
  takes?: string[];
  /** Options by name: a text names the value they take, true is a switch. */
  options?: Record<string, string | true>;
  required?: string[];
  run(given: Given, cli: Cli): Promise<void>;
}

/** A command line that makes sense. */
export interface Given {
  command: Command;
  /** What followed the words, as many as the command takes. */
  at: string[];
  option: Record<string, string | undefined>;
  /** The switches that are on. */
  has: Set<string>;
}

export const commonOptions: Record<string, string | true> = { url: 'URL', key: 'API_KEY', json: true, help: true };

/** Finds the command and reads what it was given; refuses with a UsageError. */
export function parse(argv: string[], commands: Command[]): Given {
  const command = commands.find(({ words }) => words === argv.slice(0, words.split(' ').length).join(' '));
  if (!command) throw unknown(argv, commands);
  const given = read(argv.slice(command.words.split(' ').length), command);
  if (!given.has.has('help')) check(given, commands);
  return given;
}

/** The commands that begin with these words and go on. */
export const beginningWith = (first: string, commands: Command[]): Command[] =>
  commands.filter(({ words }) => words.startsWith(`${first} `));

function unknown(argv: string[], commands: Command[]): UsageError {
  const [first] = argv;
  if (first === undefined) return new UsageError('Say what to do.');
  const isGroup = beginningWith(first, commands).length > 0;
  return new UsageError(
    isGroup && argv.length === 1 ? `Say what to do with ${first}.` : `Unknown command: ${argv.join(' ')}`,
    isGroup ? first : undefined,
  );
}

function read(args: string[], command: Command): Given {
  const all = { ...command.options, ...commonOptions };
  const options = Object.fromEntries(
    Object.entries(all).map(([name, kind]) => [name, { type: kind === true ? 'boolean' : 'string' } as const]),
  );
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const texts = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    const has = new Set(Object.keys(values).filter((name) => values[name] === true));
    return { command, at: positionals, option: Object.fromEntries(texts), has };
  } catch (error) {
    throw new UsageError((error as Error).message, command.words);
  }
}

function check({ command, at, option }: Given, commands: Command[]): void {
  const { words, takes = [], required = [] } = command;
  const missing = takes[at.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing.`, command.words);
  if (at.length > takes.length && beginningWith(words, commands).length > 0) {
    throw new UsageError(`Unknown command: ${words} ${at.join(' ')}`, words);
  }
  if (at.length > takes.length) throw new UsageError(`Too much: ${at.slice(takes.length).join(' ')}`, command.words);
  for (const name of required) if (!option[name]) throw new UsageError(`--${name} is required.`, command.words);
}
