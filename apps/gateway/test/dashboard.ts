import { defaultTenant } from '#contracts/envelope.js';
import { newToken } from '#contracts/secrets.js';
import { csrfOf } from '../src/admin/cookies.js';
import { placeOf } from '../src/admin/places.js';
import { answers } from './answers.js';
import { type Answer, startGateway, type TestGateway } from './gateway.js';

const token = newToken();
const headers = { host: 'localhost:8080', cookie: `lk_admin=${token}`, origin: 'http://localhost:8080' };

/** The dashboard before services that find whatever they are asked for, for an administrator who is signed in. */
export interface TestDashboard extends Pick<TestGateway, 'app' | 'bus'> {
  get: (url: string) => Promise<Answer>;
  post: (url: string, fields: Record<string, string>) => Promise<Answer>;
  /** Every service answers as at the start again, and nobody has been asked anything. */
  renew: () => void;
}

export async function startDashboard(): Promise<TestDashboard> {
  const gateway = await startGateway();
  const { app, bus } = gateway;
  const renew = () => {
    bus.asked.length = 0;
    Object.assign(bus.answers, answers, {
      'key.operator.session': () => ({ id: '1', email: 'ada@example.com', role: 'administrator' }),
      'connection.providers': () => ['plaid'],
    });
  };
  const post = (url: string, fields: Record<string, string>) => {
    const payload = new URLSearchParams({ csrf: csrfOf(token), shown_for: placeOf(defaultTenant), ...fields });
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
    return gateway.call({ method: 'POST', url, headers: form, payload: payload.toString() });
  };
  return { app, bus, get: (url) => gateway.call({ method: 'GET', url, headers }), post, renew };
}
