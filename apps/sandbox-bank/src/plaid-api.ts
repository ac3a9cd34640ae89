import { timingSafeEqual, createHash, randomUUID } from 'node:crypto';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type BankConfig } from './config.js';
import { type Item, type Ledger } from './ledger.js';
import { accountsOf, findInstitution } from './people.js';
import { type Webhooks } from './webhooks.js';

const LINK_TOKEN_TTL_MS = 4 * 60 * 60 * 1000;

type Body = Record<string, unknown>;
type Handler = (body: Body) => object;

class PlaidRefusal extends Error {
  constructor(
    readonly type: string,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Plaid's HTTP API, as far as the official client is used: every call is a POST with a JSON body. */
export function plaidApi(app: FastifyInstance, bank: { ledger: Ledger; config: BankConfig; webhooks: Webhooks }): void {
  for (const [path, handler] of Object.entries({ ...linkCalls(bank.ledger), ...itemCalls(bank), ...readCalls(bank) })) {
    app.post<{ Body: unknown }>(path, async (request, reply) => {
      const requestId = randomUUID().slice(0, 15);
      try {
        const body = checkedBody(request, bank.config);
        return { ...handler(body), request_id: requestId };
      } catch (error) {
        if (!(error instanceof PlaidRefusal)) throw error;
        return reply.status(400).send({ ...envelope(error), request_id: requestId });
      }
    });
  }
}

function linkCalls(ledger: Ledger): Record<string, Handler> {
  return {
    '/link/token/create': (body) => {
      const user = body.user as Body | undefined;
      for (const field of ['client_name', 'language']) text(body, field);
      if (!Array.isArray(body.country_codes)) throw missing('country_codes');
      if (typeof user?.client_user_id !== 'string') throw missing('user.client_user_id');
      const updated = typeof body.access_token === 'string' ? liveItem(ledger, body) : null;
      if (!updated && !Array.isArray(body.products)) throw missing('products');
      const expiresAt = Date.now() + LINK_TOKEN_TTL_MS;
      const token = ledger.addLinkToken({
        clientName: text(body, 'client_name'),
        webhook: typeof body.webhook === 'string' ? body.webhook : null,
        itemId: updated?.id ?? null,
        expiresAt,
      });
      return { link_token: token, expiration: new Date(expiresAt).toISOString() };
    },
    // The exchange can be repeated: within the life of the public token it answers the same item and the same access token.
    // That is what lets a caller who died between the exchange and its own record pick the item up again without an orphan.
    '/item/public_token/exchange': (body) => {
      const draft = ledger.publicToken(text(body, 'public_token'))?.item;
      const item = draft && (ledger.item(draft.id) ?? draft);
      if (item?.state !== 'live') {
        throw new PlaidRefusal('INVALID_INPUT', 'INVALID_PUBLIC_TOKEN', 'the public token is unknown or has expired');
      }
      if (!ledger.item(item.id)) ledger.putItem(item);
      return { access_token: ledger.accessTokenOf(item), item_id: item.id };
    },
  };
}

function itemCalls({ ledger, webhooks }: { ledger: Ledger; webhooks: Webhooks }): Record<string, Handler> {
  return {
    '/item/get': (body) => {
      const item = liveItem(ledger, body);
      return { item: itemView(item), status: null };
    },
    '/item/webhook/update': (body) => {
      const webhook = typeof body.webhook === 'string' ? body.webhook : null;
      const item = { ...liveItem(ledger, body), webhook };
      ledger.putItem(item);
      return { item: itemView(item) };
    },
    '/item/remove': (body) => {
      ledger.putItem({ ...liveItem(ledger, body), state: 'removed' });
      return {};
    },
    '/accounts/get': (body) => {
      const item = healthyItem(ledger, body);
      const read = { ...item, verified: item.verified + 1 };
      ledger.putItem(read);
      return { accounts: accountViews(read), item: itemView(read) };
    },
    '/sandbox/item/reset_login': (body) => {
      const item = { ...liveItem(ledger, body), loginRequired: true };
      ledger.putItem(item);
      webhooks.plaid(item, { type: 'ITEM', code: 'ERROR', error: envelope(loginRequired()) });
      return { reset_login: true };
    },
    '/sandbox/item/fire_webhook': (body) => {
      const type = typeof body.webhook_type === 'string' ? body.webhook_type : 'ITEM';
      webhooks.plaid(liveItem(ledger, body), { type, code: text(body, 'webhook_code'), error: null });
      return { webhook_fired: true };
    },
  };
}

function readCalls({ ledger }: { ledger: Ledger }): Record<string, Handler> {
  return {
    '/institutions/get_by_id': (body) => {
      const institution = findInstitution(text(body, 'institution_id'));
      if (!institution)
        throw new PlaidRefusal('INVALID_INPUT', 'INVALID_INSTITUTION', 'invalid institution_id provided');
      const { plaidId, name } = institution;
      const view = { institution_id: plaidId, name, products: ['transactions'], country_codes: ['US'] };
      return { institution: { ...view, routing_numbers: [], oauth: false } };
    },
    '/webhook_verification_key/get': (body) => {
      const { signingKey, signingKeyId, signingKeyCreatedAt } = ledger.bank;
      if (text(body, 'key_id') !== signingKeyId) {
        const code = 'INVALID_WEBHOOK_VERIFICATION_KEY_ID';
        throw new PlaidRefusal('INVALID_INPUT', code, 'invalid key_id provided');
      }
      const { kty, crv, x, y } = signingKey;
      const use = { alg: 'ES256', use: 'sig', kid: signingKeyId, created_at: signingKeyCreatedAt, expired_at: null };
      return { key: { kty, crv, x, y, ...use } };
    },
  };
}

function checkedBody(request: FastifyRequest<{ Body: unknown }>, { plaid }: BankConfig): Body {
  const { body, headers } = request;
  if (typeof body !== 'object' || body === null) {
    throw new PlaidRefusal('INVALID_REQUEST', 'INVALID_BODY', 'body could not be parsed as JSON');
  }
  const sent = body as Body;
  const clientId = sent.client_id ?? headers['plaid-client-id'];
  const secret = sent.secret ?? headers['plaid-secret'];
  if (!same(clientId, plaid.clientId) || !same(secret, plaid.secret)) {
    throw new PlaidRefusal('INVALID_INPUT', 'INVALID_API_KEYS', 'invalid client_id or secret provided');
  }
  return sent;
}

const same = (sent: unknown, expected: string): boolean =>
  typeof sent === 'string' && timingSafeEqual(sha256(sent), sha256(expected));

const sha256 = (value: string): Buffer => createHash('sha256').update(value).digest();

function text(body: Body, field: string): string {
  const value = body[field];
  if (typeof value !== 'string' || value === '') throw missing(field);
  return value;
}

const missing = (field: string): PlaidRefusal =>
  new PlaidRefusal('INVALID_REQUEST', 'MISSING_FIELDS', `the following required fields are missing: ${field}`);

function liveItem(ledger: Ledger, body: Body): Item {
  const item = ledger.itemByAccessToken(text(body, 'access_token'));
  if (item?.provider !== 'plaid') {
    throw new PlaidRefusal('INVALID_INPUT', 'INVALID_ACCESS_TOKEN', 'could not find matching access token');
  }
  if (item.state === 'removed') {
    throw new PlaidRefusal('ITEM_ERROR', 'ITEM_NOT_FOUND', 'the item cannot be found: it has been removed');
  }
  return item;
}

function healthyItem(ledger: Ledger, body: Body): Item {
  const item = liveItem(ledger, body);
  if (item.loginRequired) throw loginRequired();
  return item;
}

const loginRequired = (): PlaidRefusal =>
  new PlaidRefusal('ITEM_ERROR', 'ITEM_LOGIN_REQUIRED', 'the login details of this item have changed');

const envelope = (refusal: PlaidRefusal): object => ({
  error_type: refusal.type,
  error_code: refusal.code,
  error_message: refusal.message,
  display_message: refusal.type === 'ITEM_ERROR' ? 'Please sign in to your bank again.' : null,
});

const itemView = (item: Item): object => ({
  item_id: item.id,
  institution_id: item.institutionId,
  institution_name: findInstitution(item.institutionId)?.name ?? null,
  webhook: item.webhook,
  error: item.loginRequired ? envelope(loginRequired()) : null,
  available_products: [],
  billed_products: ['transactions'],
  products: ['transactions'],
  consent_expiration_time: null,
  update_type: 'background',
});

function accountViews(item: Item): object[] {
  const institution = findInstitution(item.institutionId);
  if (!institution) return [];
  return accountsOf({ id: item.id, institution, person: item.person }).map((account) => ({
    account_id: account.id,
    mask: account.mask,
    name: account.name,
    official_name: null,
    type: 'depository',
    subtype: account.subtype,
    balances: { available: 100, current: 110, limit: null, iso_currency_code: 'USD', unofficial_currency_code: null },
  }));
}
