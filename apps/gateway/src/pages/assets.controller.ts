import { Controller, Get, Header, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { accepts } from '../accepts.js';
import { Public } from '../endpoint.js';
import { findAsset, keptForEver } from './assets.js';

/** The hosted page's script. */
@Controller('assets/pages')
@Public()
export class AssetsController {
  @Get(':name')
  @Header('x-content-type-options', 'nosniff')
  @Header('cross-origin-resource-policy', 'same-origin')
  @Header('vary', 'accept-encoding')
  asset(
    @Param('name') name: string,
    @Headers('accept-encoding') accepted: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer {
    const asset = findAsset(name);
    if (!asset) throw new DomainError('NOT_FOUND');
    void reply.type(asset.type).headers(keptForEver);
    if (!accepts(accepted, 'br')) return asset.body;
    void reply.header('content-encoding', 'br');
    return asset.brotli;
  }
}
