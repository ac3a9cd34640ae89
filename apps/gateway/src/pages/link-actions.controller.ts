import { applyDecorators, Controller, Get, Header, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Bus } from '#service/bus.js';
import { oneOf } from '#contracts/api/fields.js';
import type { StartedLink } from '#contracts/link-session.js';
import { STEERING } from '#contracts/steering.js';
import { Public } from '../endpoint.js';
import { jsonBodyOf } from '../json-body.js';
import { timeLeft } from '../services.js';
import { untilBankAnswers } from '../request-context.js';
import { checkedBody } from '../validation.js';
import { languageFor } from './chosen-language.js';
import { type FollowedState, followedStateOf, type PageState, stateOf } from './page-state.js';
import { SamePageGuard } from './same-page.guard.js';
import { TokenSealer } from './token-sealer.js';
import { Visits } from './visits.service.js';

/** Halves of surrogate pairs, also those that cutting leaves: an event with them could be shown by no database. */
const HALVES = /\p{Cs}/gu;

const attemptId = z.string().regex(/^[\w-]{1,64}$/, 'is not one of an attempt');
const startBody = z.object({ provider: oneOf(['plaid', 'teller'], '"plaid" or "teller"') });
const finishBody = z.object({ attempt_id: attemptId, token: z.string().min(1).max(2_000) });
const refuseBody = z.object({
  attempt_id: attemptId,
  code: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .catch('UNKNOWN'),
  message: z
    .string()
    .catch('')
    .transform((text) => text.slice(0, 300).replace(HALVES, '\uFFFD').replace(STEERING, '\uFFFD')),
});

const Action = (name: string) => applyDecorators(Post(name), HttpCode(200), Header('cache-control', 'no-store'));

/** What the page's script says and asks, each for the session of the cookie. */
@Controller('link/s/:sid')
@Public()
@UseGuards(SamePageGuard)
export class LinkActionsController {
  constructor(
    private readonly visits: Visits,
    private readonly bus: Bus,
    private readonly sealer: TokenSealer,
  ) {}

  @Get('state')
  @Header('cache-control', 'no-store')
  async state(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<FollowedState> {
    return followedStateOf(await this.visits.page(request, this.visits.byCookie(request, sid)));
  }

  /** The script says that a person's browser, not a bot, has opened the page. */
  @Action('activate')
  async activate(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<PageState> {
    return stateOf(await this.bus.ask('link-session.activate', await this.proof(request, sid)));
  }

  @Action('start')
  async start(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<StartedLink> {
    const { token_hash, context } = await this.proof(request, sid);
    const { provider } = bodyOf(request, startBody);
    const language = languageFor(request);
    const ask = { context: untilBankAnswers(context), token_hash, provider, language };
    return this.bus.ask('connection.link.start', ask, timeLeft(ask));
  }

  /** Takes the provider's token and seals it at once: what goes on is readable by the vault alone. */
  @Action('finish')
  async finish(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<PageState> {
    const proof = await this.proof(request, sid);
    const { attempt_id, token } = bodyOf(request, finishBody);
    const sealed = await this.sealer.seal(token);
    const ask = { ...proof, attempt_id, sealed };
    return stateOf(await this.bus.ask('connection.link.finish', ask, timeLeft(ask)));
  }

  @Action('refuse')
  async refuse(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<PageState> {
    const proof = await this.proof(request, sid);
    return stateOf(await this.bus.ask('link-session.refuse', { ...proof, ...bodyOf(request, refuseBody) }));
  }

  @Action('done')
  async done(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<PageState> {
    return stateOf(await this.bus.ask('link-session.finish', await this.proof(request, sid)));
  }

  @Action('give-up')
  async giveUp(@Param('sid') sid: string, @Req() request: FastifyRequest): Promise<PageState> {
    return stateOf(await this.bus.ask('link-session.give-up', await this.proof(request, sid)));
  }

  private async proof(request: FastifyRequest, sid: string) {
    return (await this.visits.known(request, sid)).proof;
  }
}

const bodyOf = <S extends z.ZodType>(request: FastifyRequest, schema: S): z.output<S> =>
  checkedBody(schema, jsonBodyOf(request) ?? {});
