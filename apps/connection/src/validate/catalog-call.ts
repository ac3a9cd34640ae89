import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';

/** The largest answer that is read; what is longer is cut there and marked as such. */
export const MOST_ANSWER_BYTES = 64 * 1024;

export interface CatalogCall {
  /** The address of the catalog entry; the call stays on its origin. */
  baseUrl: string;
  /** Appended to the address: a path from the catalog, query included, never a caller's text. */
  path: string;
  /** Entries of the sandbox may be on this machine and without TLS; no other may. */
  sandbox: boolean;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  deadlineMs: number;
}

export interface CatalogAnswer {
  status: number;
  body: string;
  /** Why the body is not the whole one: it was longer than MOST_ANSWER_BYTES, or the connection broke. */
  cut: 'too_long' | 'broke_off' | null;
}

/** No answer in time, or none that may be had. Has no cause: an HTTP error holds the request, and that the secret. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * One request to a host of the catalog. Follows no redirect, reads no endless answer, and connects to the very address that
 * was checked, so that a name cannot lead into the private network by changing in between.
 */
export async function callCatalog(call: CatalogCall): Promise<CatalogAnswer> {
  const url = catalogUrl(call);
  try {
    return await send(url, call);
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer(reasonOf(error));
  }
}

/** The address of the call; throws NoAnswer for one that leaves the entry's origin or that may not be called at all. */
export function catalogUrl({ baseUrl, path, sandbox }: Pick<CatalogCall, 'baseUrl' | 'path' | 'sandbox'>): URL {
  const base = new URL(baseUrl);
  if (!path.startsWith('/')) throw new NoAnswer("The catalog entry's path leaves its own host.");
  const url = new URL(base.origin + base.pathname.replace(/\/$/, '') + path);
  const schemeFits = url.protocol === 'https:' || (sandbox && url.protocol === 'http:');
  if (!schemeFits) throw new NoAnswer('Only https is called.');
  return url;
}

function send(url: URL, { method, headers, body, sandbox, deadlineMs }: CatalogCall): Promise<CatalogAnswer> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // For an address that is written out, nothing is looked up.
  if (!sandbox && isIP(host) !== 0 && isPrivate(host)) return Promise.reject(privateAddress());
  const options: RequestOptions = {
    method,
    headers: {
      'accept-encoding': 'identity',
      'user-agent': 'latchkey',
      ...headers,
      ...(body !== undefined && { 'content-length': byteLength(body) }),
    },
    signal: AbortSignal.timeout(deadlineMs),
    agent: false,
    ...(!sandbox && { lookup: publicLookup }),
  };
  return new Promise((answered, failed) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = open(url, options, (response) => void read(response).then(answered, failed));
    request.on('error', failed).end(body);
  });
}

async function read(response: IncomingMessage): Promise<CatalogAnswer> {
  const chunks: Buffer[] = [];
  let [size, cut]: [number, CatalogAnswer['cut']] = [0, null];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MOST_ANSWER_BYTES) cut = 'too_long';
      if (cut) break;
    }
  } catch (error) {
    if (isDeadline(error)) throw error;
    cut = 'broke_off';
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), cut };
}

const byteLength = (body: string): number => Buffer.byteLength(body);

/** Resolves a name as Node does, and refuses it if any of its addresses is private. */
const publicLookup: NonNullable<RequestOptions['lookup']> = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) return done(error ?? new NoAnswer('The host has no address.'), '', 0);
    if (addresses.some(({ address }) => isPrivate(address))) return done(privateAddress(), '', 0);
    if (options.all) return done(null, addresses);
    done(null, first.address, first.family);
  });
};

const privateAddress = (): NoAnswer => new NoAnswer('The host has a private address.');

/** Whether an address belongs to no public network: our own machine, a local network, a cloud's metadata, multicast. */
export const isPrivate = (address: string): boolean => notPublic.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** IPv4 addresses inside IPv6 ones: mapped ones Node unwraps by itself; translated and tunnelled ones are refused whole. */
const notPublic = new BlockList();
for (const range of [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24',
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8',
].flatMap((line) => line.split(' '))) {
  const [network, bits] = range.split('/');
  notPublic.addSubnet(network!, Number(bits), network!.includes(':') ? 'ipv6' : 'ipv4');
}

const isDeadline = (error: unknown): boolean =>
  ['AbortError', 'TimeoutError'].includes(String((error as { name?: unknown } | null)?.name));

function reasonOf(error: unknown): string {
  if (isDeadline(error)) return 'No answer in time.';
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? `No connection (${code}).` : 'No connection.';
}
