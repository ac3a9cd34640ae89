import { Controller, Header, HttpCode, Inject, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { Public } from '../endpoint.js';
import { jsonBodyOf } from '../json-body.js';
import { isSecure, publicBase } from '../public-base.js';
import { checkedBody } from '../validation.js';
import { HandOffCodes } from './hand-off-code.js';
import { guestCookie, pagePath } from './page-cookie.js';
import { qrCode } from './qr-code.js';
import { SamePageGuard } from './same-page.guard.js';
import { Visits } from './visits.service.js';

const takeBody = z.object({ code: z.string().max(200) });

/** Lets the person go on at another device: this one shows a code, that one brings it. */
@Controller('link')
@Public()
@UseGuards(SamePageGuard)
export class HandOffController {
  constructor(
    @Inject(Visits) private readonly visits: Visits,
    @Inject(HandOffCodes) private readonly codes: HandOffCodes,
    @Inject(Bus) private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** The code stands behind the `#` of an address: no server, proxy or log is ever sent it by opening that address. */
  @Post('s/:sid/hand-off')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async offer(@Param('sid') sid: string, @Req() request: FastifyRequest) {
    const visit = this.visits.byCookie(request, sid);
    await this.visits.page(request, visit);
    const code = this.codes.seal(this.visits.tokenOf(request, sid));
    const address = `${publicBase(request, this.config)}/link/continue#${code}`;
    return { ...qrCode(address), seconds: HandOffCodes.lifetimeSeconds };
  }

  /** Only a page's script can bring a code, so that nothing that merely looks at an address uses it up. */
  @Post('continue')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async take(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const { code } = checkedBody(takeBody, jsonBodyOf(request) ?? {});
    const token = this.codes.open(code) ?? '';
    const { sid, proof } = this.visits.byToken(request, token);
    const { expires_at } = await this.bus.ask('link-session.hand-over', { ...proof, code_hash: hashSecret(code) });
    const terms = { expires_at, secure: isSecure(request, this.config) };
    void reply.header('set-cookie', guestCookie(sid, token, terms));
    return { path: pagePath(sid) };
  }
}
