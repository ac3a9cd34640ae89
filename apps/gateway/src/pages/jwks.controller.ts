import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '#service/bus.js';
import { Public } from '../endpoint.js';
import { ResultSigner } from './result-signer.js';

const SOON_MS = 1_000;

/** Where an app finds the keys that signed a result, a receipt, or a checkpoint of the timeline. */
@Controller('.well-known')
@Public()
export class JwksController {
  private ofAudit: Record<string, unknown>[] | undefined;

  constructor(
    private readonly signer: ResultSigner,
    private readonly bus: Bus,
  ) {}

  /** Without the audit service the keys of results are still there; then nobody should remember that it was so. */
  @Get('jwks.json')
  async keys(@Res({ passthrough: true }) reply: FastifyReply) {
    const asked = await this.bus.ask('audit.jwks', {}, SOON_MS).catch(() => undefined);
    this.ofAudit = asked?.keys ?? this.ofAudit;
    void reply.headers({
      'content-type': 'application/json',
      'cache-control': this.ofAudit ? 'public, max-age=300' : 'no-store',
      'access-control-allow-origin': '*',
    });
    return { keys: [...this.signer.jwks().keys, ...(this.ofAudit ?? [])] };
  }
}
