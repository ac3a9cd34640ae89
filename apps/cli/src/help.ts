import { type Command, commonOptions } from './arguments.js';

/** One line per command. */
export function overview(commands: Command[]): string {
  const width = Math.max(...commands.map(({ words }) => words.length));
  const lines = commands.map(({ words, does }) => `  ${words.padEnd(width)}  ${does}`);
  return `Usage: latchkey <command> [options]

${lines.join('\n')}

latchkey <command> --help says more about one.

--url URL or LATCHKEY_URL says where Latchkey is; a local one is found by itself.
--key KEY or LATCHKEY_API_KEY says who asks.
--json, or a pipe, gives JSON, one document per line.`;
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
