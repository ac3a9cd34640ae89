import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';
import { refuseUnsafe } from './unsafe.js';

const safe = { NODE_ENV: 'production', PUBLIC_BASE_URL: 'https://latchkey.example' };
const installed = () => ({ command: 'nats-server', version: 'nats-server: v2.11.0' });
const none = () => undefined;
const start = (env: Record<string, string>, find: () => ReturnType<typeof installed> | undefined) => () =>
  refuseUnsafe(readSettings({ ...safe, ...env }), {}, find);

describe('a start in production', () => {
  it('takes an installed nats-server, or an outside one', () => {
    expect(start({}, installed)).not.toThrow();
    expect(start({ NATS_URL: 'nats://bus.example:4222' }, none)).not.toThrow();
    expect(start({ LATCHKEY_PARTS: 'gateway' }, none)).not.toThrow();
  });

  it('refuses the broker for development, whether it is asked for or all there is', () => {
    expect(start({ NATS_SERVER: 'embedded' }, installed)).toThrow('NATS_SERVER: the embedded broker');
    expect(start({}, none)).toThrow('NATS_URL: not set, and no nats-server is installed');
  });

  it('names everything that is unsafe at once', () => {
    const unsafe = () => refuseUnsafe(readSettings({ NODE_ENV: 'production' }), { sandbox: {} as never }, none);
    expect(unsafe).toThrow(/^Unsafe in production:\nPLAID_CLIENT_ID.*\nNATS_URL: .*\nPUBLIC_BASE_URL: /);
  });

  it('allows in development what it refuses in production', () => {
    expect(start({ NODE_ENV: 'development', PUBLIC_BASE_URL: '' }, none)).not.toThrow();
  });
});
