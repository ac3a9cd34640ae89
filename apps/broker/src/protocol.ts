/** What a client says after CONNECT, as far as the broker heeds it. */
export interface ConnectOptions {
  user?: string;
  pass?: string;
  verbose?: boolean;
  headers?: boolean;
  no_responders?: boolean;
  /** false: the client does not hear its own messages. */
  echo?: boolean;
}

export interface Publication {
  op: 'PUB';
  subject: string;
  reply?: string;
  /** How many bytes of `payload` are headers; 0 without. */
  headerBytes: number;
  payload: Buffer;
}

export type Operation =
  | { op: 'CONNECT'; options: ConnectOptions }
  | Publication
  | { op: 'SUB'; subject: string; queue?: string; sid: string }
  | { op: 'UNSUB'; sid: string; max: number }
  | { op: 'PING' }
  | { op: 'PONG' };

/** The client broke the protocol; the message is what the real server says before it hangs up. */
export class ProtocolError extends Error {}

const maxControlLineBytes = 4096;
const lineFeed = 10;
const noBytes = Buffer.alloc(0);

/** Reads one connection: takes bytes as they come and yields the operations that are complete. */
export function createParser(maxPayloadBytes: number) {
  let chunks: Buffer[] = [];
  let heldBytes = 0;
  /** A publication whose line is read and whose payload is still to come. */
  let pending: { publication: Publication; bytes: number } | undefined;

  const hold = (chunk: Buffer) => {
    chunks = chunk.length > 0 ? [chunk] : [];
    heldBytes = chunk.length;
  };

  return function* parse(chunk: Buffer): Generator<Operation> {
    chunks.push(chunk);
    heldBytes += chunk.length;
    // A big payload comes in many chunks: they are joined once, when it is complete.
    if (pending && heldBytes < pending.bytes + 2) return;
    let rest = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    hold(noBytes);
    for (;;) {
      if (pending) {
        if (rest.length < pending.bytes + 2) break;
        pending.publication.payload = Buffer.from(rest.subarray(0, pending.bytes));
        rest = rest.subarray(pending.bytes + 2);
        yield pending.publication;
        pending = undefined;
        continue;
      }
      const end = rest.indexOf(lineFeed);
      if (end > maxControlLineBytes || (end < 0 && rest.length > maxControlLineBytes)) {
        throw new ProtocolError('maximum control line exceeded');
      }
      if (end < 0) break;
      const line = rest.toString('utf8', 0, end).trimEnd();
      rest = rest.subarray(end + 1);
      if (line === '') continue;
      const read = readLine(line, maxPayloadBytes);
      if ('bytes' in read) pending = read;
      else yield read;
    }
    hold(rest);
  };
}

function readLine(line: string, maxPayloadBytes: number): Operation | { publication: Publication; bytes: number } {
  const [word, ...args] = line.split(/[ \t]+/) as [string, ...string[]];
  const op = word.toUpperCase();
  switch (op) {
    case 'PUB':
    case 'HPUB':
      return readPublication(op, args, maxPayloadBytes);
    case 'SUB':
      if (args.length < 2 || args.length > 3) throw new ProtocolError('Unknown Protocol Operation');
      return { op, subject: args[0]!, queue: args.length === 3 ? args[1] : undefined, sid: args.at(-1)! };
    case 'UNSUB':
      if (args.length < 1 || args.length > 2) throw new ProtocolError('Unknown Protocol Operation');
      return { op, sid: args[0]!, max: Number(args[1] ?? 0) };
    case 'CONNECT':
      return { op, options: readOptions(line.slice(word.length)) };
    case 'PING':
    case 'PONG':
      return { op };
    default:
      throw new ProtocolError('Unknown Protocol Operation');
  }
}

/** `PUB subject [reply] bytes` and `HPUB subject [reply] header-bytes bytes`. */
function readPublication(op: 'PUB' | 'HPUB', args: string[], maxPayloadBytes: number) {
  const sizes = op === 'HPUB' ? 2 : 1;
  const named = args.length - sizes;
  const bytes = Number(args.at(-1));
  const headerBytes = op === 'HPUB' ? Number(args.at(-2)) : 0;
  const sized = Number.isInteger(bytes) && bytes >= 0 && headerBytes >= 0 && headerBytes <= bytes;
  if (named < 1 || named > 2 || !sized) throw new ProtocolError('Unknown Protocol Operation');
  if (bytes > maxPayloadBytes) throw new ProtocolError('Maximum Payload Violation');
  const reply = named === 2 ? args[1] : undefined;
  const publication: Publication = { op: 'PUB', subject: args[0]!, reply, headerBytes, payload: noBytes };
  return { publication, bytes };
}

/** Anybody who reaches the port can send this line: what is no sign-in is refused here. */
function readOptions(json: string): ConnectOptions {
  let options: unknown;
  try {
    options = JSON.parse(json);
  } catch {
    options = undefined;
  }
  if (!isConnectOptions(options)) throw new ProtocolError('Unknown Protocol Operation');
  return options;
}

function isConnectOptions(options: unknown): options is ConnectOptions {
  if (typeof options !== 'object' || options === null) return false;
  const { user, pass } = options as Record<string, unknown>;
  return [user, pass].every((value) => value === undefined || typeof value === 'string');
}
