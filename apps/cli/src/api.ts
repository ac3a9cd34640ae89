import { CliError } from './errors.js';

const DEADLINE_MS = 15_000;

type Query = Record<string, string | undefined>;

/** The household API over HTTP. A refusal is a CliError with the API's own code and message. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly key: string | undefined,
  ) {}

  get<T>(path: string, query: Query = {}): Promise<T> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given).toString()}` : '';
    return this.send<T>('GET', path + search);
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.send<T>('POST', path, body);
  }

  async delete(path: string): Promise<void> {
    await this.send('DELETE', path);
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = {
      ...(this.key !== undefined && { 'X-API-Key': this.key }),
      ...(body && { 'Content-Type': 'application/json' }),
    };
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const response = await fetch(new URL(path, this.url), {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal,
    }).catch((error: unknown) => {
      throw new CliError('UNREACHABLE', `Latchkey does not answer at ${this.url} (${reasonOf(error)}).`);
    });
    const answer = parsed(await response.text());
    if (response.ok) return answer as T;
    const { code = `HTTP_${response.status}`, message = response.statusText } =
      (answer as { error?: { code?: string; message?: string } } | undefined)?.error ?? {};
    throw new CliError(code, message);
  }
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as { message: string; cause?: { code?: string } };
  return cause?.code ?? message;
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
