import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { Server } from '#contracts/api/servers.js';
import { Catalog } from './catalog.js';

/** The catalog, as it was read at start. */
@Controller()
export class CatalogController {
  constructor(private readonly catalog: Catalog) {}

  @MessagePattern('connection.servers')
  servers(): Server[] {
    return this.catalog.all();
  }
}
