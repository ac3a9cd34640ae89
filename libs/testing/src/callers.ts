import { randomBytes } from 'node:crypto';
import { type Actor, type Context, newContext, type Tenant } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';
import { busOptions } from '#service/bus-options.js';
import type { Run } from './stack.js';

/** A connection to the bus of a running stack as one of its users; close it with `onApplicationShutdown`. */
export function connectAs(user: string, { nats }: Run): Promise<Bus> {
  const login = nats.users[user];
  if (!login) throw new Error(`the bus knows no user ${user}`);
  const dial = () =>
    new Bus().connect(busOptions({ NATS_URL: nats.url, NATS_USER: login.user, NATS_PASSWORD: login.password }));
  // Once in some twenty whole runs nats-server refused a login that was right before and after, for a reason not known yet.
  return dial().catch((error: unknown) => {
    if (!/authorization violation/i.test(String(error))) throw error;
    process.stderr.write(`REFUSED BY THE BUS: ${user} at ${nats.url}, ${new Date().toISOString()}; tried once more.\n`);
    return dial();
  });
}

/** A project that nobody else uses, so that suites can share a stack. */
export const newTenant = (environment: Tenant['environment'] = 'live'): Tenant => ({
  project_id: `prj_${randomBytes(8).toString('hex')}`,
  environment,
});

const operator: Actor = { type: 'operator', id: 'test', name: 'a test' };

/** A new wish of this tenant, with five seconds to come true. */
export const contextFor = (tenant: Tenant, actor: Actor = operator): Context => newContext(tenant, actor, 5_000);
