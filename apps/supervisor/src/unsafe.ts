import { installedServer } from './nats.js';
import { type Wiring } from './parts.js';
import { type Settings } from './settings.js';
import { StartError } from './start-error.js';

/** In production nothing starts on a setting that is made for trying things out; all of them are named at once. */
export function refuseUnsafe(settings: Settings, { sandbox }: Pick<Wiring, 'sandbox'>, find = installedServer): void {
  if (settings.NODE_ENV !== 'production') return;
  const runsBus = !settings.NATS_URL && settings.LATCHKEY_PARTS.includes('nats');
  const reasons = [
    sandbox &&
      'PLAID_CLIENT_ID, TELLER_APPLICATION_ID: without either, the sandbox bank takes everybody for its customer.',
    settings.NATS_SERVER === 'embedded' && 'NATS_SERVER: the embedded broker is for development.',
    settings.NATS_SERVER === 'auto' &&
      runsBus &&
      !find() &&
      'NATS_URL: not set, and no nats-server is installed; the embedded broker is for development.',
    !settings.PUBLIC_BASE_URL?.startsWith('https://') &&
      'PUBLIC_BASE_URL: must be the https address of this installation; links hold secrets.',
  ].filter((reason) => typeof reason === 'string');
  if (reasons.length > 0) throw new StartError(`Unsafe in production:\n${reasons.join('\n')}`);
}
