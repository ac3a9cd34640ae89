import type { ServerResponse } from 'node:http';
import { DomainError } from '#contracts/errors.js';
import { breaksOff } from './request-record.js';

export const MOST_OF_A_KEY = 100;
/** A person's tabs and devices. */
export const MOST_OF_A_LINK = 20;
const RETRY_SECONDS = 5;
/** What is left of a file when the server closes has to come within this. */
const LAST_READ_MS = 1_000;

/** Whose a stream is, and how many such an owner may have open. */
export interface StreamOwner {
  name: string;
  most: number;
}

export const keyAsOwner = (keyId: string): StreamOwner => ({ name: `key ${keyId}`, most: MOST_OF_A_KEY });
export const linkAsOwner = (tokenHash: string): StreamOwner => ({ name: `link ${tokenHash}`, most: MOST_OF_A_LINK });

/** Replies that go on until somebody leaves. The limit on requests counts each of them only once, however long it goes on. */
export class OpenStreams {
  private readonly byOwner = new Map<string, Set<ServerResponse>>();
  private isClosing = false;

  add({ name, most }: StreamOwner, raw: ServerResponse): void {
    if (this.isClosing) throw new DomainError('UNAVAILABLE');
    const open = this.byOwner.get(name) ?? new Set();
    if (open.size >= most) {
      throw new DomainError('RATE_LIMITED', `No more than ${most} streams may be open at once.`, {
        retry_after: RETRY_SECONDS,
      });
    }
    this.byOwner.set(name, open.add(raw));
  }

  delete({ name }: StreamOwner, raw: ServerResponse): void {
    const open = this.byOwner.get(name);
    open?.delete(raw);
    if (open?.size === 0) this.byOwner.delete(name);
  }

  endAll(): void {
    for (const raw of this.all()) raw.end();
  }

  /** For those that have an end of their own, which they may still come to: what is cut there would look whole if it were ended. */
  breakOffAll(): void {
    this.isClosing = true;
    for (const raw of this.all()) {
      const late = setTimeout(() => breakOff(raw, 503), LAST_READ_MS);
      raw.once('close', () => clearTimeout(late));
    }
  }

  private all(): ServerResponse[] {
    return [...this.byOwner.values()].flatMap((open) => [...open]);
  }
}

/** So that it does not look whole: to HTTP/1.0, which a proxy may speak to us, the end of a connection is that of the answer. */
export function breakOff(raw: ServerResponse, status: number): void {
  breaksOff(raw, status);
  if (raw.req.httpVersion === '1.0') raw.socket?.resetAndDestroy();
  raw.destroy();
}
