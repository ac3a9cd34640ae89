import { Controller, Param } from '@nestjs/common';
import { type Replay, replay, replaysPage, type StartReplayBody, startReplayBody } from '#contracts/api/replays.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { refuseTest } from './access.js';
import { Endpoint } from './endpoint.js';
import { Caller, RequestBody } from './params.js';
import { ReadModelReplays } from './read-model-replays.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Read models of all services, built again from the events or held against them. */
@Controller()
export class ReplayController {
  constructor(private readonly replays: ReadModelReplays) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/replays',
    access: 'full_access',
    summary: 'Build read models again from the events, or compare them',
    description:
      'Each is built beside the live one, compared with it row for row, and put in its place, while reads go on. With ' +
      '`verify` nothing is changed. It concerns the whole installation; ask for it by its `id` to see how far it is.',
    body: startReplayBody,
    bodyOptional: true,
    reply: { 201: replay },
    errors: ['NOT_FOUND'],
  })
  async start(@Caller() context: Context, @RequestBody() { view, verify }: StartReplayBody): Promise<Replay> {
    refuseTest(context);
    const started = await this.replays.start(context, { verify: verify ?? false, ...(view && { view }) });
    if (!started) throw new DomainError('NOT_FOUND', `There is no view ${view}.`);
    return started;
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/replays',
    access: 'full_access',
    summary: 'List replays, newest first',
    description: 'The newest ones of the last 90 days, on one page.',
    reply: { 200: replaysPage },
  })
  async list() {
    return { replays: await this.replays.known(), next_cursor: null, has_more: false };
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/replays/:id',
    access: 'full_access',
    summary: 'Read how far a replay is and what it found',
    reply: { 200: replay },
    errors: ['NOT_FOUND'],
  })
  async get(@Param('id') id: string): Promise<Replay> {
    const [found] = UUID.test(id) ? await this.replays.known(id) : [];
    if (!found) throw new DomainError('NOT_FOUND', 'Replay not found');
    return found;
  }
}
