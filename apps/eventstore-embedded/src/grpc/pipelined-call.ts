import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';

type NextCall = ConstructorParameters<typeof ServerInterceptingCall>[0];

/** How much of one call's output may wait for the socket before its writer is held back. */
const WINDOW_BYTES = 256 * 1024;

/** What a message weighs that is not encoded yet: only small ones are not. */
const SMALL_MESSAGE_BYTES = 64;

/**
 * By itself the gRPC library takes a call's next message only when the one before has left the socket: one system
 * call and one turn of the event loop per message. Taking them up to a window lets all messages of a page, or all
 * replies of a group, leave together; it makes up most of the throughput of reads.
 */
class PipelinedCall extends ServerInterceptingCall {
  readonly #next: NextCall;
  #unsentBytes = 0;
  #held: (() => void) | undefined;

  constructor(next: NextCall) {
    super(next);
    this.#next = next;
  }

  override sendMessage(message: unknown, accepted: () => void): void {
    const bytes = Buffer.isBuffer(message) ? message.length : SMALL_MESSAGE_BYTES;
    this.#unsentBytes += bytes;
    this.#next.sendMessage(message, () => this.#sent(bytes));
    if (this.#unsentBytes < WINDOW_BYTES) accepted();
    else this.#held = accepted;
  }

  #sent(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (!this.#held || this.#unsentBytes >= WINDOW_BYTES) return;
    const accepted = this.#held;
    this.#held = undefined;
    accepted();
  }
}

export const pipelined: ServerInterceptor = (_method, call) => new PipelinedCall(call);
