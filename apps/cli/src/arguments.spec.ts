import { describe, expect, it } from '@jest/globals';
import { type Command, parse } from './arguments.js';
import { commands } from './commands.js';
import { UsageError } from './errors.js';
import { helpAsked, helpFor, helpOf, overview } from './help.js';

const run = () => Promise.resolve();
const some: Command[] = [
  {
    words: 'pots fill',
    does: 'Fill a pot.',
    takes: ['pot'],
    options: { with: 'TEA', hot: true },
    required: ['with'],
    run,
  },
  { words: 'pots', does: 'List the pots.', run },
  { words: 'cups wash', does: 'Wash the cups.', run },
  { words: 'cups break', does: 'Break the cups.', run },
];
function mistake(parsing: () => unknown): UsageError {
  try {
    parsing();
  } catch (error) {
    if (error instanceof UsageError) return error;
  }
  throw new Error('it made sense');
}
const usage = (line: string) => () => parse(line.split(' ').filter(Boolean), some);

describe('a command line', () => {
  it('names its command by one word or two, then what it takes, its options and its switches', () => {
    const { command, at, option, has } = usage('pots fill blue --with=green --hot --json')();
    expect({ words: command.words, at, option, has: [...has] }).toEqual({
      words: 'pots fill',
      at: ['blue'],
      option: { with: 'green' },
      has: ['hot', 'json'],
    });
    expect(usage('pots')().command.words).toBe('pots');
  });

  it.each([
    ['', 'Say what to do.'],
    ['kettle boil', 'Unknown command: kettle boil'],
    ['--json pots', 'Unknown command: --json pots'],
    ['cups', 'Say what to do with cups.'],
    ['cups wsah', 'Unknown command: cups wsah'],
    ['pots flil', 'Unknown command: pots flil'],
    ['pots fill --with green', 'pot is missing.'],
    ['pots fill blue', '--with is required.'],
    ['pots fill blue red --with green', 'Too much: red'],
    ['pots fill blue --cold --with green', /^Unknown option '--cold'/],
    ['pots fill blue --with', /argument missing/],
    ['pots fill blue --with green --hot=yes', /does not take an argument/],
  ])('makes no sense as %j', (line, message) => {
    expect(usage(line)).toThrow(UsageError);
    expect(usage(line)).toThrow(message);
  });

  it('may ask for help before it makes sense', () => {
    expect(usage('pots fill --help')().has).toContain('help');
  });
});

describe('the help', () => {
  it('has a line for every command, each found by its own words', () => {
    for (const command of commands) {
      expect(overview(commands)).toContain(`  ${command.words} `);
      expect(parse([...command.words.split(' '), '--help'], commands).command).toBe(command);
    }
  });

  it.each(['cups --help', 'cups -h', 'help cups'])('lists what begins with a word: %j', (line) => {
    expect(helpAsked(line.split(' '), some)).toBe(
      'Usage: latchkey cups …\n\n  cups wash   Wash the cups.\n  cups break  Break the cups.\n\n' +
        'latchkey <command> --help says more about one.',
    );
  });

  it('is asked for in place of a command, of one, or of one that others begin with', () => {
    for (const line of ['help', '--help', '-h']) expect(helpAsked([line], some)).toBe(overview(some));
    expect(helpAsked(['help', 'pots', 'fill'], some)).toBe(helpOf(some[0]!));
    expect(helpAsked(['pots', '--help'], some)).toMatch(
      /\[--help\]\n\nList the pots\.\n\n {2}pots fill {2}Fill a pot\./,
    );
    expect(helpAsked(['pots', 'fill', '--help'], some)).toBeUndefined();
    expect(helpAsked(['kettle', '--help'], some)).toBeUndefined();
  });

  it.each([
    ['cups wsah', 'cups'],
    ['pots flil', 'pots'],
    ['pots fill', 'pots fill'],
  ])('that is shown with a mistake is what was near: %j', (line, words) => {
    const error = mistake(usage(line));
    expect(error.words).toBe(words);
    expect(helpFor(error.words, some)).toContain(`latchkey ${words}`);
  });

  it('shows what a command takes and what it needs', () => {
    expect(helpOf(some[0]!)).toBe(
      'Usage: latchkey pots fill <pot> --with TEA [--hot] [--url URL] [--key API_KEY] [--json] [--help]\n\nFill a pot.',
    );
  });
});
