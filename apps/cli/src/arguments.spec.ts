import { describe, expect, it } from '@jest/globals';
import { type Command, parse } from './arguments.js';
import { commands } from './commands.js';
import { UsageError } from './errors.js';
import { helpOf, overview } from './help.js';

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
];
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

  it('shows what a command takes and what it needs', () => {
    expect(helpOf(some[0]!)).toBe(
      'Usage: latchkey pots fill <pot> --with TEA [--hot] [--url URL] [--key API_KEY] [--json] [--help]\n\nFill a pot.',
    );
  });
});
