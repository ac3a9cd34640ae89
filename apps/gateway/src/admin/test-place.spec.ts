import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { KeyTerms } from '#contracts/key.js';
import { platformScopes } from '#contracts/key.js';
import { newToken } from '#contracts/secrets.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';
import { keyView, projectView, usedKey } from '../../test/views.js';
import { csrfOf } from './cookies.js';

const token = newToken();
const place = `${projectView.id}.test`;
const url = '/admin/settings/api-keys';
const test = { project_id: projectView.id, environment: 'test' as const };

let gateway: TestGateway;
let made: KeyTerms[];

beforeAll(async () => (gateway = await startGateway()));
afterAll(() => gateway.app.close());
beforeEach(() => {
  made = [];
  Object.assign(gateway.bus.answers, {
    'key.operator.session': () => ({ id: '1', email: 'ada@example.com', role: 'administrator' }),
    'key.project.list': () => ({ items: [projectView], next_cursor: null }),
    'key.list': () => ({ items: [], next_cursor: null }),
    'key.create': ({ terms }: { terms: KeyTerms }) => {
      made.push(terms);
      return { view: { ...keyView, ...terms }, position: '1' };
    },
  });
});

const headers = {
  host: 'localhost:8080',
  origin: 'http://localhost:8080',
  cookie: `lk_admin=${token}; lk_place=${place}`,
};
const page = () => gateway.call({ method: 'GET', url, headers });

function create(fields: Record<string, string>) {
  const payload = new URLSearchParams({
    csrf: csrfOf(token),
    shown_for: place,
    name: 'CI',
    expires_in_days: '',
    ...fields,
  }).toString();
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return gateway.call({ method: 'POST', url, headers: form, payload });
}

describe('the API keys of an environment for tests', () => {
  it.each([
    ['read_only', platformScopes.filter((scope) => scope.endsWith(':read'))],
    ['full_access', [...platformScopes]],
  ])('are keys of the platform: %s', async (scope, scopes) => {
    const { status, text } = await create({ scope });
    expect(status).toBe(200);
    expect(text).toMatch(/value="csk_test_[0-9A-Za-z]{32}"/);
    expect(text).toContain(`<dd>${scopes.join(', ')}</dd>`);
    expect(made).toMatchObject([{ ...test, kind: 'platform', name: 'CI', scopes, expires_at: null }]);
    expect(made[0]!.created_by).toBe('ada@example.com');
  });

  it('end when their maker says', async () => {
    await create({ scope: 'read_only', expires_in_days: '30' });
    const days = (Date.parse(made[0]!.expires_at!) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
  });

  it('are announced as what they are', async () => {
    expect((await page()).text).toMatch(/New API key for tests[^]*<code>csk_test_<\/code>[^]*further keys for tests/);
  });

  it('are not offered to be rotated, also not one of the household that is older than this', async () => {
    const old = { ...usedKey, ...test, name: 'an old one' };
    gateway.bus.answers['key.list'] = () => ({ items: [old], next_cursor: null });
    const { text } = await page();
    expect(text).toContain('an old one');
    expect(text).not.toContain('Rotate');
  });
});
