import { randomUUID } from 'node:crypto';
import { type ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type EventLog } from '../log/event-log.js';
import { TimedOut } from '../log/refusals.js';
import { type ReadOutput } from './read-output.js';

export interface SubscriptionRequest {
  readonly log: EventLog;
  readonly options: ReadReq.Options;
  readonly output: ReadOutput;
  /** End a live subscription that falls behind, as EventStoreDB 23.10 does, instead of letting it catch up again. */
  readonly dropSlowConsumers: boolean;
}

/** What a subscription tells about itself between the events. */
export class SubscriptionProgress {
  readonly #output: ReadOutput;
  readonly #dropSlowConsumers: boolean;
  #isLive = false;

  constructor({ output, dropSlowConsumers }: SubscriptionRequest) {
    this.#output = output;
    this.#dropSlowConsumers = dropSlowConsumers;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  async confirm(): Promise<void> {
    const confirmation = new ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID());
    await this.#output.send(new ReadResp().setConfirmation(confirmation));
  }

  async checkpoint(position: bigint): Promise<void> {
    const text = String(position);
    const checkpoint = new ReadResp.Checkpoint().setCommitPosition(text).setPreparePosition(text);
    await this.#output.send(new ReadResp().setCheckpoint(checkpoint));
  }

  async caughtUp(): Promise<void> {
    this.#isLive = true;
    await this.#output.send(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));
  }

  async fellBehind(): Promise<void> {
    if (this.#dropSlowConsumers) {
      throw new TimedOut('Consumer too slow to handle event while live. Client resubscription required.');
    }
    this.#isLive = false;
    await this.#output.send(new ReadResp().setFellBehind(new ReadResp.FellBehind()));
  }
}
