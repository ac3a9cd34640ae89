import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultTenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { OperatorRole } from '#contracts/operator.js';
import { newToken } from '#contracts/secrets.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';
import { connectionView } from '../../test/views.js';
import { csrfOf } from './cookies.js';
import { placeOf } from './places.js';
import { changesOf, judged, rowsOf, rowsSent } from './metadata-form.js';

const token = newToken();
const shown_for = placeOf(defaultTenant);
const place = `/admin/connections/${connectionView.id}`;
const metadata = { customer: 'C-4711', plan: 'gold', limits: { daily: 5 }, note: 'one\ntwo' };

let gateway: TestGateway;
let role: OperatorRole;
let connection: typeof connectionView;

beforeAll(async () => (gateway = await startGateway()));
afterAll(() => gateway.app.close());
beforeEach(() => {
  role = 'administrator';
  connection = { ...connectionView, connection_metadata: metadata };
  gateway.bus.asked.length = 0;
  Object.assign(gateway.bus.answers, {
    'key.operator.session': () => ({ id: '11111111-1111-4111-8111-111111111111', email: 'ada@example.com', role }),
    'key.project.list': () => ({ items: [], next_cursor: null }),
    'connection.platform.get': () => connection,
    'connection.platform.metadata': () => ({ view: connection, position: '1' }),
    'connection.servers': () => [],
    'connection.user.list': () => ({ items: [], next_cursor: null }),
    'audit.list': () => ({ items: [], next_cursor: null }),
  });
});

const headers = { host: 'localhost:8080', cookie: `lk_admin=${token}`, origin: 'http://localhost:8080' };
const get = (url: string) => gateway.call({ method: 'GET', url, headers });

/** Fields of the form as the page prints them, changed as somebody types. */
const typed = (changes: Record<string, string>) => ({
  ...{ 'before-name-0': 'customer', 'before-value-0': 'C-4711', 'name-0': 'customer', 'value-0': 'C-4711' },
  ...{ 'before-name-1': 'plan', 'before-value-1': 'gold', 'name-1': 'plan', 'value-1': 'gold' },
  ...{ 'name-2': '', 'value-2': '' },
  ...changes,
});

function save(changes: Record<string, string>) {
  const payload = new URLSearchParams({ csrf: csrfOf(token), shown_for, ...typed(changes) }).toString();
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return gateway.call({ method: 'POST', url: `${place}/metadata`, headers: form, payload });
}
const changesSaid = () =>
  gateway.bus.asked
    .filter(({ subject }) => subject === 'connection.platform.metadata')
    .map(({ ask }) => (ask as { changes: object }).changes);

describe('the metadata of a connection', () => {
  it('is seen by everybody, with a way to change it for administrators while it lives', async () => {
    expect((await get(place)).text).toMatch(/customer<\/dt><dd>C-4711[^]*\{&quot;daily&quot;:5\}/);
    expect((await get(place)).text).toContain('Change metadata');
    connection = { ...connection, state: 'revoked' };
    expect((await get(place)).text).not.toContain('Change metadata');
    expect((await get(`${place}/metadata`)).headers['location']).toBe(place);
  });

  it('can be looked at and not changed by a viewer', async () => {
    role = 'viewer';
    const { text } = await get(place);
    expect(text).toContain('C-4711');
    expect(text).not.toContain('Change metadata');
    expect((await get(`${place}/metadata`)).headers['location']).toBe(place);
    expect((await save({ 'value-0': 'other' })).status).toBe(403);
    expect(changesSaid()).toEqual([]);
  });

  it('is a form of what is one line of text, with a free entry; the rest is shown and has no field', async () => {
    const { status, text } = await get(`${place}/metadata`);
    expect(status).toBe(200);
    expect([...text.matchAll(/name="name-\d" [^>]*value="([^"]*)"/g)].map(([, name]) => name)).toEqual([
      ...['customer', 'plan', ''],
    ]);
    expect(text).toMatch(/Stays as it is[^]*<dt>limits<\/dt>[^]*<dt>note<\/dt>/);
  });

  it('is changed in what somebody changed, and in nothing else', async () => {
    const { status, headers: answered } = await save({ 'value-1': 'silver', 'name-2': ' region ', 'value-2': 'EU ' });
    expect([status, answered['location']]).toEqual([303, `${place}?done=metadata-saved`]);
    await save({ 'remove-0': 'on' });
    await save({ 'name-0': 'client' });
    await save({ 'name-0': 'plan', 'name-1': 'customer' });
    await save({});
    expect(changesSaid()).toEqual([
      { plan: 'silver', region: 'EU ' },
      { customer: null },
      { customer: null, client: 'C-4711' },
      { customer: 'gold', plan: 'C-4711' },
      {},
    ]);
  });

  it('gets a further entry without losing what was typed, and without a script', async () => {
    const { status, text } = await save({ add: 'yes', 'value-1': 'sil"ver', 'name-2': 'region', 'remove-0': 'on' });
    expect(status).toBe(200);
    expect(text).toMatch(/value="sil&quot;ver"[^]*value="region"[^]*name="name-3"[^>]*value="" autofocus/);
    expect(text).toMatch(/name="remove-0" checked/);
    expect(changesSaid()).toEqual([]);
  });

  it.each([
    ['without a name', { 'value-2': 'EU' }, 2, 'Give this entry a name'],
    ['with the name of another', { 'name-2': 'plan', 'value-2': 'EU' }, 2, 'Another entry has this name'],
    ['with the name of what has no field', { 'name-0': 'limits' }, 0, 'Another entry has this name'],
  ])('an entry %s is told so, and keeps what was typed', async (_, changes, at, words) => {
    const { status, text } = await save({ 'value-1': 'silver', ...changes });
    expect(status).toBe(400);
    expect(text).toMatch(new RegExp(`name="name-${at}"[^>]*aria-describedby="fault-${at}" autofocus`));
    expect(text).toMatch(new RegExp(`role="alert" id="fault-${at}">${words}`));
    expect(text).toContain('value="silver"');
    expect(changesSaid()).toEqual([]);
  });

  it('says what the service refuses above the form, and keeps what was typed', async () => {
    gateway.bus.answers['connection.platform.metadata'] = () => {
      throw new DomainError('VALIDATION_ERROR', 'connection_metadata must have at most 64 keys');
    };
    const { status, text } = await save({ 'name-2': 'one more', 'value-2': 'x' });
    expect(status).toBe(400);
    expect(text).toMatch(/role="alert">The metadata must have at most 64 keys\.[^]*value="one more"/);
  });

  it('may be as long as the API allows, in any script', async () => {
    const longest = '漢'.repeat(10_900);
    const { status } = await save({ 'before-value-0': longest, 'value-0': `${longest}字` });
    expect(status).toBe(303);
  });

  it('keeps, sent as it was shown, every entry there can be', () => {
    const all = JSON.parse(
      '{"a":"1","":"2"," b":"3","c":null,"d":"x\\r\\ny","__proto__":"4","constructor":"5","e":""}',
    ) as Record<string, unknown>;
    const rows = rowsOf(all);
    const fields = rows.flatMap(({ name, value }, at) => [
      ...[`before-name-${at}`, name, `before-value-${at}`, value],
      ...[`name-${at}`, name, `value-${at}`, value],
    ]);
    const pairs = fields.flatMap((field, at) => (at % 2 ? [] : [[field, fields[at + 1]!]]));
    const sent = judged(rowsSent(Object.fromEntries(pairs) as Record<string, string>), all);
    expect(sent).toEqual(rows);
    expect(rows.map(({ name }) => name)).toEqual(['a', '__proto__', 'constructor', 'e']);
    expect(changesOf(sent)).toEqual({});
    expect(Object.keys(changesOf([{ ...rows[1]!, value: 'new' }]))).toEqual(['__proto__']);
  });
});
