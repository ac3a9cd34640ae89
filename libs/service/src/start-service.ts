import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { BusServer } from './bus-server.js';
import { serveHealth } from './health.js';
import { logger, nestLogger } from './logger.js';
import { endWithSupervisor } from './process.js';
import { RpcErrorFilter } from './rpc-error.filter.js';
import { Store } from './store.js';

/** Every service behind the bus starts here; `queue` lets its replicas share the work. */
export async function startService(module: Type, queue: string): Promise<void> {
  endWithSupervisor();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    strategy: new BusServer(queue),
    logger: nestLogger,
  });
  app.useGlobalFilters(new RpcErrorFilter());
  // By an exit, not by the signal again: the last lines of the log leave at the 'exit' event.
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen();
  const store = app.get(Store);
  serveHealth(() => store.health());
  logger.info({ queue }, 'serving');
}
