import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { type Provider, ProviderError } from './provider.js';
import { providersFrom } from './providers.js';

let server: Server;
let answer: RequestListener;
let providers: { plaid: Provider; teller: Provider };

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const teller = { baseUrl, applicationId: 'app_1', environment: 'sandbox', scriptUrl: '' };
  const plaid = { baseUrl, clientId: 'client', secret: 'canary-secret', scriptUrl: '' };
  providers = providersFrom({ plaid, teller }) as typeof providers;
});

afterEach(async () => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const failure = async (call: Promise<unknown>): Promise<ProviderError> => {
  const error: unknown = await call.then(
    () => 'no error',
    (each: unknown) => each,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
};

const withShortDeadline = () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100));
};

const plaidRefusal = (status: number, error_type: string, error_code: string): RequestListener =>
  replying(status, { error_type, error_code, error_message: 'no', display_message: 'Sorry', request_id: 'r' });

const replying =
  (status: number, body: unknown): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe.each(['plaid', 'teller'] as const)('the outcome of a call to %s', (name) => {
  it('is unknown when no answer comes in time', async () => {
    withShortDeadline();
    answer = () => undefined;
    expect((await failure(providers[name].check('token'))).retryable).toBe(true);
  });

  it('is unknown when the answer stops in the middle', async () => {
    withShortDeadline();
    answer = (_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('{"acc');
    expect((await failure(providers[name].check('token'))).retryable).toBe(true);
  });

  it('is unknown when the connection breaks', async () => {
    answer = (request) => void request.socket.destroy();
    expect(await failure(providers[name].remove('token'))).toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
  });

  it.each([500, 502, 503, 429])('is unknown after an HTTP %i', async (status) => {
    answer = replying(status, '<html>');
    expect(await failure(providers[name].remove('token'))).toMatchObject({ code: `HTTP_${status}`, retryable: true });
  });

  it('is never found behind a redirect', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end();
    expect(await failure(providers[name].remove('token'))).toMatchObject({ code: 'HTTP_302', retryable: false });
  });

  it('shows neither our secret nor the access token in its error, however deep one looks', async () => {
    answer = replying(400, { error_type: 'INVALID_REQUEST', error_code: 'NO', error: { code: 'no', message: 'no' } });
    const refused = await failure(providers[name].remove('canary-token'));
    answer = (request) => void request.socket.destroy();
    const broken = await failure(providers[name].remove('canary-token'));
    expect(inspect([refused, broken], { depth: 20, showHidden: true })).not.toContain('canary');
  });
});

describe('a refusal by Plaid', () => {
  it('about the item or the bank is a verdict on the login', async () => {
    answer = plaidRefusal(400, 'ITEM_ERROR', 'ITEM_LOCKED');
    expect(await providers.plaid.check('token')).toMatchObject({ healthy: false, errorCode: 'ITEM_LOCKED' });
    answer = plaidRefusal(400, 'INSTITUTION_ERROR', 'INSTITUTION_DOWN');
    expect(await providers.plaid.check('token')).toMatchObject({ healthy: false, errorCode: 'INSTITUTION_DOWN' });
  });

  it('for a rate limit is worth another try, and carries the words for the person', async () => {
    answer = plaidRefusal(400, 'RATE_LIMIT_EXCEEDED', 'RATE_LIMIT');
    expect(await failure(providers.plaid.check('token'))).toMatchObject({ retryable: true, displayMessage: 'Sorry' });
  });

  it('to describe the item does not lose the credential of the exchange', async () => {
    answer = (request, response) =>
      request.url === '/item/public_token/exchange'
        ? replying(200, { access_token: 'access', item_id: 'item_1', request_id: 'r' })(request, response)
        : plaidRefusal(500, 'API_ERROR', 'INTERNAL_SERVER_ERROR')(request, response);
    expect(await providers.plaid.exchange('public')).toEqual({
      accessToken: 'access',
      providerItemId: 'item_1',
      institutionId: null,
      institutionName: null,
      accountsFingerprint: null,
    });
  });

  it('of a bank without a name on the item leads to the look-up of the name', async () => {
    const answers: Record<string, unknown> = {
      '/item/public_token/exchange': { access_token: 'access', item_id: 'item_1' },
      '/accounts/get': { accounts: [{ account_id: 'a' }], item: { institution_id: 'ins_1', error: null } },
      '/institutions/get_by_id': { institution: { name: 'Tartan Bank' } },
    };
    answer = (request, response) => replying(200, answers[request.url ?? ''])(request, response);
    expect(await providers.plaid.exchange('public')).toMatchObject({ institutionName: 'Tartan Bank' });
  });
});

describe('a link token request', () => {
  const requestOf = async (input: object): Promise<Record<string, unknown>> => {
    const bodies: Buffer[] = [];
    answer = (request, response) => {
      if (request.url !== '/link/token/create') return plaidRefusal(500, 'API_ERROR', 'INTERNAL')(request, response);
      request.on('data', (chunk: Buffer) => bodies.push(chunk));
      request.on('end', () => replying(200, { link_token: 'link' })(request, response));
    };
    await providers.plaid.start({ userRef: 'u', language: 'en', clientName: 'Us', webhookUrl: 'http://h', ...input });
    return JSON.parse(Buffer.concat(bodies).toString()) as Record<string, unknown>;
  };

  it.each([
    ['pt-BR', 'pt'],
    ['DE', 'de'],
    ['ja', 'en'],
    ['', 'en'],
  ])('asks for %j in %j', async (language, expected) => {
    expect((await requestOf({ language })).language).toBe(expected);
  });

  it('says who asks in as many characters as Plaid takes, none of them halved', async () => {
    const clientName = `${'x'.repeat(29)}\u{1F3E1} and more`;
    expect((await requestOf({ clientName })).client_name).toBe('x'.repeat(29));
  });

  it('names products for a new item only, and of an old one gets its token also where the address cannot be told', async () => {
    expect(await requestOf({})).toMatchObject({ products: ['transactions'], user: { client_user_id: 'u' } });
    const update = await requestOf({ accessToken: 'access' });
    expect(update).toMatchObject({ access_token: 'access' });
    expect(update).not.toHaveProperty('products');
  });
});

describe('a refusal by Teller', () => {
  it('of a removal by a disconnected enrollment is not taken for a removal', async () => {
    answer = replying(404, { error: { code: 'enrollment.disconnected.account_locked', message: 'Locked' } });
    expect(await failure(providers.teller.remove('token'))).toMatchObject({ displayMessage: 'Locked' });
  });

  it('without a client certificate is an error of ours, not a verdict on the login', async () => {
    answer = replying(400, { error: { code: 'bad_request', message: 'Missing certificate' } });
    expect(await failure(providers.teller.check('token'))).toMatchObject({ code: 'bad_request', retryable: false });
  });

  it('to show any account makes no connection', async () => {
    answer = replying(200, []);
    expect(await failure(providers.teller.exchange('token'))).toMatchObject({ code: 'NO_ACCOUNTS', retryable: false });
  });

  it('sends the access token as the user name, with an empty password', async () => {
    let authorization = '';
    answer = (request, response) => {
      authorization = request.headers.authorization ?? '';
      replying(204, undefined)(request, response);
    };
    await providers.teller.remove('token_1');
    expect(authorization).toBe(`Basic ${Buffer.from('token_1:').toString('base64')}`);
  });
});
