import { inspect } from 'node:util';
import { parse } from './arguments.js';
import { Cli } from './cli.js';
import { commands } from './commands.js';
import { envFile } from './env-file.js';
import { CliError, UsageError } from './errors.js';
import { helpAsked, helpFor, overview } from './help.js';
import { inOneLine, printable } from './printable.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has gone, such as head, has what it wanted.
  if (error.code === 'EPIPE') process.exit(0);
  console.error(`OUTPUT_LOST: The output could not be written (${error.message}).`);
  process.exit(1);
});

async function main(argv: string[]): Promise<void> {
  const help = helpAsked(argv, commands);
  if (help !== undefined) return console.log(help);
  const given = parse(argv, commands);
  if (given.has.has('help')) return console.log(helpFor(given.command.words, commands));
  const { env } = process;
  await given.command.run(given, new Cli(given, env, env.NODE_ENV === 'test' ? {} : envFile(env)));
}

function complain(error: unknown): void {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  if (error instanceof UsageError) {
    console.error(`${printable(error.message)}\n\n${helpFor(error.words, commands) ?? overview(commands)}`);
  } else if (error instanceof CliError) {
    console.error(inOneLine(`${error.code}: ${error.message}`));
  } else {
    console.error(printable(inspect(error)));
  }
}

main(process.argv.slice(2)).catch(complain);
