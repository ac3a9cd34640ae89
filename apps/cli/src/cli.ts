import { type Api, apiAt } from './api.js';
import { UsageError } from './errors.js';
import { printable, printableJson } from './printable.js';
import { type LocalStack, localStack, namedStack } from './run-file.js';
import { fields, table } from './table.js';

const DEFAULT_URL = 'http://localhost:8080';

/** What was typed, as far as every command understands it. */
interface Asked {
  command: { words: string };
  option: Record<string, string | undefined>;
  has: Set<string>;
}

/** The address that these settings name, if they do. */
const addressIn = (env: NodeJS.ProcessEnv): string | undefined => env.LATCHKEY_URL || namedStack(env)?.url;

/** What a command works with: where Latchkey is, who asks, and how results are shown. */
export class Cli {
  /** JSON when somebody other than a person reads. */
  readonly json: boolean;
  readonly key: string | undefined;
  readonly url: string;
  /** The stack the environment lets us into, or the one on this machine unless another one was named. */
  readonly local: LocalStack | null;
  private readonly isNowhere: boolean;
  readonly env: NodeJS.ProcessEnv;

  /** `file` is what .env adds to the environment. */
  constructor(
    private readonly given: Asked,
    env: NodeJS.ProcessEnv,
    file: NodeJS.ProcessEnv = {},
  ) {
    this.env = { ...file, ...env };
    const chosen = given.option.url ?? addressIn(env);
    const named = chosen ?? addressIn(file);
    if (named !== undefined && !(URL.canParse(named) && /^https?:/i.test(named))) {
      throw new UsageError(`--url, or LATCHKEY_URL, must be an http(s) address: ${named}`, given.command.words);
    }
    this.json = given.has.has('json') || !process.stdout.isTTY;
    const key = given.option.key ?? env.LATCHKEY_API_KEY;
    this.key = (key ?? file.LATCHKEY_API_KEY)?.trim() || undefined;
    if (this.key !== undefined && !/^[\x21-\x7e]+$/.test(this.key)) {
      throw new UsageError('--key, or LATCHKEY_API_KEY, is no API key: put the whole one there.', given.command.words);
    }
    // Whoever wrote the .env of the folder we happen to be in must not choose who gets the key.
    if (key && chosen !== named) {
      const what = `The address ${named} is from .env, and the key is not`;
      throw new UsageError(`${what}: give --url, or put LATCHKEY_API_KEY there as well.`, given.command.words);
    }
    this.local = namedStack(env) ?? namedStack(file) ?? (named === undefined ? localStack(this.env) : null);
    this.url = (named ?? this.local?.url ?? DEFAULT_URL).replace(/\/+$/, '');
    this.isNowhere = this.local === null && named === undefined;
  }

  /** Without a key, what the operator of a local stack may do goes over its bus. */
  get isOperator(): boolean {
    return this.key === undefined && this.local !== null;
  }

  /** The API, asked with the key. */
  get api(): Api {
    return apiAt(this.url, this.neededKey);
  }

  /** Without a key there is nothing to ask. */
  get neededKey(): string {
    if (this.key !== undefined) return this.key;
    const needed = 'An API key is needed: set LATCHKEY_API_KEY or give --key.';
    const start = `No Latchkey of yours runs here (${this.env.DATA_DIR || '.data'}/run.json): start it with npm start. For another one:`;
    throw new UsageError(this.isNowhere ? `${start}\n${needed}` : needed, this.given.command.words);
  }

  show(thing: object): void {
    print(this.json ? printableJson(JSON.stringify(thing)) : fields(thing));
  }

  /** A page of a list; `columns` is what a person sees of each row. */
  showPage(page: object, rows: object[], columns: string[]): void {
    if (this.json) return this.show(page);
    print(rows.length === 0 ? 'None.' : table(rows, columns));
    const { next_cursor } = page as { next_cursor?: string | null };
    if (next_cursor) print(`\nMore: --cursor ${next_cursor}`);
  }

  /** What was done: a sentence for a person, a document for a program. */
  done(document: object, sentence: string): void {
    if (this.json) this.show(document);
    else this.say(sentence);
  }

  /** For people only. */
  say(text: string): void {
    if (!this.json) print(text);
  }
}

const print = (text: string) => console.log(printable(text));
