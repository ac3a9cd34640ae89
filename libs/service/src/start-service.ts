import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { PartHealth } from '#contracts/subjects.js';
import { BusServer } from './bus-server.js';
import { serveHealth } from './health.js';
import { logger, nestLogger } from './logger.js';
import { endWithSupervisor } from './process.js';
import { RpcErrorFilter } from './rpc-error.filter.js';
import { exitCodeOf } from './settings-error.js';
import { Store } from './store.js';

/** Every service behind the bus starts here; `queue` lets its replicas share the work. */
export async function startService(module: Type, queue: string): Promise<void> {
  endWithSupervisor();
  // First of all: until it serves it is alive and has not started, however long a migration takes.
  let health = (): Promise<PartHealth> | undefined => undefined;
  serveHealth(() => health());
  try {
    const store = await serve(module, queue);
    health = () => store.health();
  } catch (error) {
    logger.fatal(error, 'the service could not start');
    process.exit(exitCodeOf(error));
  }
  logger.info({ queue }, 'serving');
}

async function serve(module: Type, queue: string): Promise<Store> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    strategy: new BusServer(queue),
    logger: nestLogger,
    abortOnError: false,
  });
  app.useGlobalFilters(new RpcErrorFilter());
  // By an exit, not by the signal again: the last lines of the log leave at the 'exit' event.
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen();
  return app.get(Store);
}
