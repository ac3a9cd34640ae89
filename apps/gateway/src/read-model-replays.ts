import { Injectable } from '@nestjs/common';
import { type Replay, toReplays } from '#contracts/api/replays.js';
import type { Context } from '#contracts/envelope.js';
import { uuidV5 } from '#contracts/ids.js';
import { services } from '#contracts/services.js';
import { Bus } from '#service/bus.js';

/** Replays of the read models of all services, each of which leads its own. */
@Injectable()
export class ReadModelReplays {
  constructor(private readonly bus: Bus) {}

  /** Undefined when no service has such a view. */
  async start(context: Context, { view, verify }: { view?: string; verify: boolean }): Promise<Replay | undefined> {
    const wish = { context, id: uuidV5(context.command_id, 'replay'), verify, ...(view && { view }) };
    const views = await Promise.all(services.map((service) => this.bus.ask(`${service}.replay.start`, wish)));
    return toReplays(views.flat())[0];
  }

  /** Newest first. */
  async known(id?: string): Promise<Replay[]> {
    const views = await Promise.all(services.map((service) => this.bus.ask(`${service}.replay.list`, { id })));
    return toReplays(views.flat());
  }
}
