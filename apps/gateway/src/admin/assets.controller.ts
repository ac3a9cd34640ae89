import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { Public } from '../endpoint.js';
import { keptForEver } from '../pages/assets.js';
import { findAdminAsset } from './assets.js';

/** Style and scripts hold nothing that is not in the source: whoever sees the sign-in page needs them, too. */
@Controller('assets/admin')
@Public()
export class AdminAssetsController {
  @Get(':name')
  asset(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    const asset = findAdminAsset(name);
    if (!asset) throw new DomainError('NOT_FOUND');
    void reply.type(asset.type).headers(keptForEver);
    return asset.body;
  }
}
