import 'reflect-metadata';
import { Bus } from '#service/bus.js';
import { readEnv } from '#service/config.js';
import { logger } from '#service/logger.js';
import { endWithSupervisor } from '#service/process.js';
import { exitCodeOf } from '#service/settings-error.js';
import { gatewayEnv } from './config.js';
import { VerifiedKeys } from './key-cache.js';
import { Services } from './services.js';
import { createGateway } from './create-gateway.js';

/** Serves at once; whatever needs the bus answers 503 until the broker is there. */
async function main(): Promise<void> {
  endWithSupervisor();
  const config = readEnv(gatewayEnv);
  const bus = new Bus();
  const app = await createGateway(bus, config);
  // By an exit, not by the signal again: the last lines of the log leave at the 'exit' event.
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(config.PORT, config.HOST);
  logger.info({ url: await app.getUrl() }, 'serving');
  await bus.connect();
  app.get(VerifiedKeys).start();
  app.get(Services).start();
}

main().catch((error: unknown) => {
  logger.fatal(error, 'the gateway could not start');
  process.exit(exitCodeOf(error));
});
