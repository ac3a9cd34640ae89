import type { IncomingMessage } from 'node:http';

/** A proxy keeps this path from strangers, by this spelling (docs/operations.md): no other one leads there. */
const GUARDED = '/metrics';

/**
 * One spelling for what is asked for, before anybody looks at it: a client may write the whole URL (RFC 9112, 3.2.2), and
 * escape what needs no escape (RFC 3986, 2.3). Some programs, and people, put a slash behind an address that they pass on;
 * Nest knows no route that ends in one.
 */
export function requestTarget({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const origin = url.startsWith('/') ? '' : (/^https?:\/\/[^/?]*/i.exec(url)?.[0] ?? '');
  const target = url.slice(origin.length);
  const end = target.indexOf('?');
  const [path, query] = end === -1 ? [target, ''] : [target.slice(0, end), target.slice(end)];
  const asked = plain(path);
  // Escaped once more it names nothing: find-my-way would take the escapes away after us, and what is behind a #.
  if (asked.split('#', 1)[0] === GUARDED && path !== GUARDED) return path.replace(/[%#]/g, encodeURIComponent) + query;
  return (asked || '/').replace(/^(\/link\/[\w-]{43}|\/admin(?:\/.*)?)\/$/, '$1') + query;
}

const plain = (path: string): string =>
  path.includes('%')
    ? path.replace(/%[2-7][\da-f]/gi, (escaped) => {
        const character = String.fromCharCode(parseInt(escaped.slice(1), 16));
        return /[\w.~-]/.test(character) ? character : escaped;
      })
    : path;
