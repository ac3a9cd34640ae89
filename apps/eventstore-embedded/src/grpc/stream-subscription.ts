import { type EventLog } from '../log/event-log.js';
import { NO_REVISION, type StoredEvent } from '../log/event.js';
import { streamName } from './requests.js';
import { SubscriptionProgress, type SubscriptionRequest } from './subscription.js';

/** A live subscription this many events behind has fallen behind. */
const LIVE_BUFFER = 1_024n;

/** A cursor that follows the last revision of one stream, which need not exist yet. */
export class StreamSubscription {
  readonly #request: SubscriptionRequest;
  readonly #log: EventLog;
  readonly #progress: SubscriptionProgress;
  readonly #stream: string;
  #cursor = NO_REVISION;

  constructor(request: SubscriptionRequest) {
    this.#request = request;
    this.#log = request.log;
    this.#progress = new SubscriptionProgress(request);
    this.#stream = streamName(request.options.getStream()?.getStreamIdentifier());
  }

  /** Ends when the client does, or with StreamDeleted when the stream is tombstoned. */
  async run(): Promise<void> {
    const { reader, tail } = this.#log;
    const { end } = this.#request.output;
    this.#cursor = await this.#start();
    await this.#progress.confirm();
    while (!end.hasCome) {
      const { head } = reader;
      const { revision } = await reader.view(this.#stream);
      if (revision > this.#cursor) await this.#sendUpTo(revision);
      else if (!this.#progress.isLive) await this.#progress.caughtUp();
      // A commit since the view was taken would go unnoticed: look again instead of waiting.
      else if (head === reader.head) await tail.change(end, this.#stream);
    }
  }

  async #start(): Promise<bigint> {
    const { revision } = await this.#log.reader.view(this.#stream);
    const start = this.#request.options.getStream();
    if (start?.hasEnd()) return revision;
    return start?.hasRevision() ? BigInt(start.getRevision()) : NO_REVISION;
  }

  async #sendUpTo(revision: bigint): Promise<void> {
    if (this.#progress.isLive && revision - this.#cursor > LIVE_BUFFER) await this.#progress.fellBehind();
    for await (const page of this.#log.reader.streamForwards(this.#stream, this.#cursor + 1n)) {
      for (const event of page) {
        if (this.#request.output.end.hasCome) return;
        await this.#send(event);
      }
    }
    // The last ones may be hidden by the stream's metadata.
    if (revision > this.#cursor) this.#cursor = revision;
  }

  #send(event: StoredEvent): Promise<void> | undefined {
    this.#cursor = event.revision;
    return this.#request.output.event(event);
  }
}
