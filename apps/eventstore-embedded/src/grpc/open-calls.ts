import { type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import { cancelledByShutdown } from './errors.js';

type StreamingCall = Pick<
  ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  'once' | 'emit'
>;

/** The streaming calls that would keep the server from stopping: nothing else ends them. */
export class OpenCalls {
  readonly #calls = new Set<StreamingCall>();

  track(call: StreamingCall): void {
    this.#calls.add(call);
    for (const end of ['finish', 'close', 'cancelled', 'error']) call.once(end, () => this.#calls.delete(call));
  }

  cancelAll(): void {
    for (const call of this.#calls) call.emit('error', cancelledByShutdown());
  }
}
