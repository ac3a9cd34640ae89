import { request } from 'node:http';
import type { Answer } from '#testing/api.js';

export interface Held {
  method: 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body: object;
}

/**
 * Sends all requests but for the last byte of each, and then the last bytes in one go: no server starts on one of them
 * much before the others.
 */
export async function together(requests: Held[]): Promise<Answer[]> {
  const held = await Promise.all(requests.map(hold));
  return Promise.all(held.map((release) => release()));
}

async function hold({ method, url, headers, body }: Held): Promise<() => Promise<Answer>> {
  const text = JSON.stringify(body);
  const length = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
  const outgoing = request(url, { method, agent: false, headers: { ...headers, ...length } });
  const answered = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const said = Buffer.concat(chunks).toString();
        const answer = { status: response.statusCode!, headers: new Headers(), text: said };
        resolve({ ...answer, body: said ? (JSON.parse(said) as unknown) : undefined });
      });
    });
  });
  answered.catch(() => undefined);
  await new Promise<void>((sent) => outgoing.write(text.slice(0, -1), () => sent()));
  return () => {
    outgoing.end(text.slice(-1));
    return answered;
  };
}
