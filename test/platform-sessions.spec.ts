import { beforeAll, describe, expect, it } from '@jest/globals';
import { sharedStack } from '#testing/stack.js';
import { type PlatformCaller, platformCaller, refused, said, someone } from './platform-caller.js';

const stack = sharedStack();
let api: PlatformCaller;
let stranger: PlatformCaller;
let project: string;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  stranger = await platformCaller(stack.run());
  project = (await api.get('/v1/whoami')).body.project.id as string;
});

const create = (fields: object = {}) =>
  api.post('/v1/connections', { server_id: 'asaas', secret: 'first', user_id: someone(), ...fields });

interface Reach {
  data: { id: string; connected: boolean }[];
}

describe('the catalog', () => {
  it.each(['servers', 'providers'])('is listed and filtered under /v1/%s', async (path) => {
    const { body } = await api.get(`/v1/${path}?category=payments&country=br&q=mercado`);
    expect([body.filtered, body.servers, body.total > 25]).toEqual([1, body.data, true]);
    expect(body.data[0]).toMatchObject({ id: 'mercadopago', auth_type: 'oauth' });
    expect((await api.get(`/v1/${path}/stripe`)).body).toMatchObject({ id: 'stripe', tools_count: 8 });
    const { body: auth } = await api.get(`/v1/${path}/z-api/auth-schema`);
    expect(auth.secret.required).toEqual(['instance_id', 'instance_token']);
  });

  it('does not know what is not in it', async () =>
    expect(said(await api.get('/v1/servers/acme'))).toEqual(refused(404, 'server_unknown')));
});

describe("an agent's session", () => {
  const open = (fields: object) => api.post('/v1/sessions', fields);

  it('has what older clients read', async () => {
    const { status, body } = await open({ servers: ['stripe'], user_id: 'u1' });
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^ses_/),
        ...{ org_id: 'org_default', project_id: project, user_id: 'u1', servers: ['stripe'], status: 'active' },
        ...{ created_at: expect.any(String), closed_at: null },
      },
    ]);
    expect((await api.get(`/v1/sessions/${body.id}`)).body).toEqual(body);
    const { body: list } = await api.get('/v1/sessions?limit=1');
    expect([list.sessions, list.data]).toEqual([[body], [body]]);
  });

  it('closes once, by either way, also with a JSON content type and no body', async () => {
    const { id } = (await open({ servers: [] })).body;
    const { status, body } = await api.call('POST', `/v1/sessions/${id}/close`, '');
    expect([status, body.status]).toEqual([200, 'closed']);
    expect((await api.call('DELETE', `/v1/sessions/${id}`, '')).status).toBe(204);
    expect((await api.get(`/v1/sessions/${id}`)).body.closed_at).toBe(body.closed_at);
  });

  it('names the servers that nobody knows, at the top and in the details', async () => {
    const answer = await open({ servers: ['stripe', 'acme', 'acme'] });
    expect(said(answer)).toEqual(refused(400, 'unknown_servers'));
    expect([answer.body.unknown, answer.body.error.details]).toEqual([['acme'], { unknown: ['acme'] }]);
  });

  it('tells the truth about what it can reach', async () => {
    const user_id = someone();
    const servers = ['stripe', 'asaas', 'brasil-api', 'conekta', 'skydropx'];
    const mine = (await create({ server_id: 'stripe', user_id })).body;
    await create({ server_id: 'asaas', user_id: null });
    await create({ server_id: 'conekta', user_id: someone() });
    const { id } = (await open({ servers, user_id })).body;
    const reach = async () => (await api.get(`/v1/sessions/${id}/connections`)).body as Reach;
    const connected = async () => Object.fromEntries((await reach()).data.map((one) => [one.id, one.connected]));
    const expected = { stripe: true, asaas: true, 'brasil-api': true, conekta: false, skydropx: false };
    expect(await connected()).toEqual(expected);
    await api.post(`/v1/connections/${mine.id}/revoke`);
    expect(await connected()).toEqual({ ...expected, stripe: false });
    const body = await reach();
    expect(body).toMatchObject({ total: 5, session_id: id, servers: body.data, tools: [] });
    expect(body.data.find((one) => one.id === 'stripe')).toEqual({
      ...{ id: 'stripe', name: 'Stripe', category: 'payments', country: 'GLOBAL', auth_type: 'api_key' },
      ...{ connected: false, tools_count: 8, status: 'needs_connection' },
    });
    await api.delete(`/v1/sessions/${id}`);
    expect(await reach()).toEqual({ data: [], total: 0, session_id: id, servers: [], tools: [] });
  });
});

describe('another tenant', () => {
  it('gets the same bytes for an id that is not its own as for one that nobody has', async () => {
    const connection = (await create()).body.id as string;
    const session = (await api.post('/v1/sessions', { servers: [] })).body.id as string;
    const routes = [
      ['GET', '/v1/connections/:c'],
      ['POST', '/v1/connections/:c/revoke'],
      ['PATCH', '/v1/connections/:c/metadata', { connection_metadata: {} }],
      ['PUT', '/v1/connections/:c/webhook-secret', { secret: 'x' }],
      ['DELETE', '/v1/connections/:c'],
      ['GET', '/v1/sessions/:s'],
      ['GET', '/v1/sessions/:s/connections'],
      ['POST', '/v1/sessions/:s/close'],
      ['DELETE', '/v1/sessions/:s'],
    ] as const;
    for (const [method, path, body] of routes) {
      const ask = async (c: string, s: string) => {
        const answer = await stranger.call(method, path.replace(':c', c).replace(':s', s), body);
        return [answer.status, answer.text.replace(/"request_id":"[^"]*"/, '')];
      };
      const unknown = await ask(`conn_${'0'.repeat(21)}1`, `ses_${'0'.repeat(21)}1`);
      expect([path, ...unknown]).toEqual([path, 404, expect.any(String)]);
      expect([path, ...(await ask(connection, session))]).toEqual([path, ...unknown]);
      expect([path, ...(await ask('nonsense', 'nonsense'))]).toEqual([path, ...unknown]);
    }
    expect((await api.get(`/v1/connections/${connection}`)).body.status).toBe('connected');
    expect((await api.get(`/v1/sessions/${session}`)).body.status).toBe('active');
  });
});
