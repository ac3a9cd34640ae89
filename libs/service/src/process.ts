import { logger } from './logger.js';

/** Under a supervisor the process ends with it, and a promise nobody waited for ends the process, loudly. */
export function endWithSupervisor(): void {
  if (process.env['SUPERVISED'] === '1') {
    process.stdin.resume();
    process.stdin.on('end', () => process.exit(0));
    process.stdin.on('error', () => process.exit(0));
  }
  process.on('unhandledRejection', (error) => {
    logger.fatal(error, 'unhandled rejection');
    process.exit(1);
  });
}

/** A start waits for a migration however long it takes: the supervisor is told when one begins and when it is over. */
export function tellMigrating(migrating: boolean): void {
  if (process.env['SUPERVISED'] === '1' && process.connected) process.send?.({ migrating });
}
