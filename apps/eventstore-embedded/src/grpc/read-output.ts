import { type ServerWritableStream } from '@grpc/grpc-js';
import { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { CallEnd } from '../log/call-end.js';
import { type StoredEvent } from '../log/event.js';
import { type Reader } from '../log/reader.js';
import { linkResponse, readResponse } from '../wire.js';

/** A read call. Hot responses are already encoded; the service definition lets buffers through. */
export type ReadStream = ServerWritableStream<ReadReq, ReadResp | Buffer>;

const LINK_TYPE = '$>';

/** Sends responses no faster than the client takes them. */
export class ReadOutput {
  /** Comes once nobody reads any more. */
  readonly end = new CallEnd();
  readonly #call: ReadStream;
  readonly #reader: Reader;
  readonly #resolveLinks: boolean;

  constructor(call: ReadStream, reader: Reader, resolveLinks: boolean) {
    this.#call = call;
    this.#reader = reader;
    this.#resolveLinks = resolveLinks;
    for (const end of ['cancelled', 'error', 'close']) call.once(end, () => this.end.come());
  }

  /** Nothing to await while the client keeps up, so that a page goes out without a turn of the event loop per event. */
  send(response: ReadResp | Buffer): Promise<void> | undefined {
    if (this.end.hasCome || this.#call.write(response)) return undefined;
    return this.#drained();
  }

  event(event: StoredEvent): Promise<void> | undefined {
    if (this.#resolveLinks && event.type === LINK_TYPE) return this.#link(event);
    return this.send(readResponse(event));
  }

  /** A link's data is `revision@stream`; one to a name that cannot be leads nowhere. */
  async #link(link: StoredEvent): Promise<void> {
    const [, revision, stream] = /^(\d{1,18})@([^\0]*)$/.exec(link.data.toString()) ?? [];
    const target = stream === undefined ? undefined : await this.#reader.streamEvent(stream, BigInt(revision ?? 0));
    await this.send(linkResponse(link, target));
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#call.off('drain', done);
        this.end.remove(done);
        resolve();
      };
      this.#call.on('drain', done);
      this.end.add(done);
    });
  }
}
