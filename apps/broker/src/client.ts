import { type Socket } from 'node:net';
import { type ConnectOptions } from './protocol.js';
import { type Rights } from './rights.js';

export interface Subscription {
  client: Client;
  sid: string;
  subject: string;
  queue?: string;
  delivered: number;
  /** The subscription ends with this many messages; 0 = never. */
  max: number;
}

const lineEnd = Buffer.from('\r\n');

/** One connection: who it is, what it listens to, and the bytes on their way to it. */
export class Client {
  options: ConnectOptions = {};
  /** Undefined until the client has said who it is. */
  rights: Rights | undefined;
  readonly subscriptions = new Map<string, Subscription>();
  unansweredPings = 0;
  private corked = false;

  constructor(
    private readonly socket: Socket,
    private readonly maxPendingBytes: number,
  ) {}

  send(...parts: (string | Buffer)[]): void {
    if (this.socket.destroyed) return;
    this.corkOneTurn();
    for (const part of parts) this.socket.write(part);
    if (this.socket.writableLength > this.maxPendingBytes) this.socket.destroy();
  }

  /** `MSG`, or `HMSG` when the message has headers. */
  deliver(sid: string, message: { subject: string; reply?: string; headerBytes: number; payload: Buffer }): void {
    const { subject, reply, headerBytes, payload } = message;
    const address = `${subject} ${sid} ${reply === undefined ? '' : `${reply} `}`;
    const sizes = headerBytes > 0 ? `${headerBytes} ${payload.length}` : `${payload.length}`;
    this.send(`${headerBytes > 0 ? 'HMSG' : 'MSG'} ${address}${sizes}\r\n`, payload, lineEnd);
  }

  refuse(reason: string): void {
    this.send(`-ERR '${reason}'\r\n`);
  }

  /** Says why and hangs up; a client that does not read is cut off after a second. */
  hangUp(reason: string): void {
    this.refuse(reason);
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 1000).unref();
  }

  /** What is sent in one turn of the event loop leaves in one piece. */
  private corkOneTurn(): void {
    if (this.corked) return;
    this.corked = true;
    this.socket.cork();
    setImmediate(() => {
      this.corked = false;
      this.socket.uncork();
    });
  }
}
