import { parse } from './arguments.js';
import { Cli } from './cli.js';
import { commands } from './commands.js';
import { CliError, UsageError } from './errors.js';
import { helpOf, overview } from './help.js';

// A reader that has gone, such as head, has what it wanted.
process.stdout.on('error', () => process.exit(0));

async function main(argv: string[]): Promise<void> {
  if (['help', '--help', '-h'].includes(argv[0]!)) return console.log(overview(commands));
  const given = parse(argv, commands);
  if (given.has.has('help')) return console.log(helpOf(given.command));
  await given.command.run(given, new Cli(given, process.env));
}

function complain(error: unknown): void {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  if (error instanceof UsageError) {
    const meant = commands.find(({ words }) => words === error.words);
    console.error(`${error.message}\n\n${meant ? helpOf(meant) : overview(commands)}`);
  } else if (error instanceof CliError) {
    console.error(`${error.code}: ${error.message}`);
  } else {
    console.error(error);
  }
}

main(process.argv.slice(2)).catch(complain);
