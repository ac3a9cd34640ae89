import { type CountryCode, type LinkTokenCreateRequest, type PlaidApi, type Products } from 'plaid';
import {
  accountsFingerprint,
  CALL_DEADLINE_MS,
  type Check,
  type Exchanged,
  type Provider,
  ProviderError,
  type StartLink,
} from './provider.js';
import { type PlaidVerifier, plaidWebhookVerifier } from './plaid-webhook.js';

export interface PlaidConfig {
  /** https://production.plaid.com, https://sandbox.plaid.com, or the sandbox bank. */
  baseUrl: string;
  clientId: string;
  secret: string;
  /** https://cdn.plaid.com/link/v2/stable/link-initialize.js, or the sandbox bank's. */
  scriptUrl: string;
}

// As plain words: the client's own names for them would load it.
const PRODUCTS = ['transactions'] as Products[];
const COUNTRIES = ['US'] as CountryCode[];

/** Plaid signs what it delivers with keys that it is asked for. */
export interface PlaidProvider extends Provider {
  verifyWebhook: PlaidVerifier;
}

/** Plaid through its official client. */
export function plaidProvider(config: PlaidConfig): PlaidProvider {
  const call = plaidCalls(config);
  return {
    start: async (input) => {
      // A relink goes on without: the next one tells it again.
      const told = tellAddress(call, input).catch(() => undefined);
      const { link_token } = await call((plaid, options) => plaid.linkTokenCreate(linkTokenRequest(input), options));
      await told;
      return { kind: 'plaid', script_url: config.scriptUrl, link_token };
    },
    exchange: (publicToken) => exchange(call, publicToken),
    check: (accessToken) => check(call, accessToken),
    remove: async (accessToken) => {
      await call((plaid, options) => plaid.itemRemove({ access_token: accessToken }, options)).catch(unlessGone);
    },
    resetLogin: async (accessToken, webhookUrl) => {
      await tellAddress(call, { accessToken, webhookUrl });
      await call((plaid, options) => plaid.sandboxItemResetLogin({ access_token: accessToken }, options));
    },
    verifyWebhook: plaidWebhookVerifier(async (keyId) => {
      const { key } = await call((plaid, options) => plaid.webhookVerificationKeyGet({ key_id: keyId }, options));
      return key;
    }),
  };
}

type Call = <T>(operation: (plaid: PlaidApi, options: { signal: AbortSignal }) => Promise<{ data: T }>) => Promise<T>;

/** Every call goes through here: the client is made at the first one, each has its deadline, each error is translated. */
function plaidCalls(config: PlaidConfig): Call {
  let client: Promise<PlaidApi> | undefined;
  return async (operation) => {
    try {
      client ??= connect(config);
      const answer = await operation(await client, { signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      return answer.data;
    } catch (error) {
      throw translated(error);
    }
  };
}

/** Loads the client only when Plaid is really used: it costs 69 MB of memory. */
async function connect(config: PlaidConfig): Promise<PlaidApi> {
  const { Configuration, PlaidApi } = await import('plaid');
  const headers = { 'PLAID-CLIENT-ID': config.clientId, 'PLAID-SECRET': config.secret };
  // A redirect would carry the secret to wherever it points, and a proxy of the environment cannot reach our own loopback.
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(config.baseUrl).hostname);
  const baseOptions = { headers, timeout: CALL_DEADLINE_MS, maxRedirects: 0, ...(loopback && { proxy: false }) };
  return new PlaidApi(new Configuration({ basePath: config.baseUrl, baseOptions }));
}

/** Update mode passes over the address in its link token, and ours may be another one than when the item was made. */
async function tellAddress(call: Call, input: Pick<StartLink, 'accessToken' | 'webhookUrl'>): Promise<void> {
  const { accessToken, webhookUrl: webhook } = input;
  if (accessToken === undefined) return;
  await call((plaid, options) => plaid.itemWebhookUpdate({ access_token: accessToken, webhook }, options));
}

const LINK_LANGUAGES = 'da nl en et fr de hi it lv lt no pl pt ro es sv vi'.split(' ');

function linkTokenRequest(input: StartLink): LinkTokenCreateRequest {
  const language = input.language.toLowerCase().split('-')[0] ?? '';
  const request = {
    user: { client_user_id: input.userRef },
    // At most 30 characters, and no half of one at the end.
    client_name: input.clientName
      .slice(0, 30)
      .replace(/[\uD800-\uDBFF]$/, '')
      .trim(),
    language: LINK_LANGUAGES.includes(language) ? language : 'en',
    country_codes: COUNTRIES,
    webhook: input.webhookUrl,
  };
  // Update mode keeps the products of the item, and Plaid refuses a request that names them.
  if (input.accessToken !== undefined) return { ...request, access_token: input.accessToken };
  return { ...request, products: PRODUCTS };
}

async function exchange(call: Call, publicToken: string): Promise<Exchanged> {
  const exchanged = await call((plaid, options) =>
    plaid.itemPublicTokenExchange({ public_token: publicToken }, options),
  );
  const described = await describe(call, exchanged.access_token).catch(() => undescribed);
  return { accessToken: exchanged.access_token, providerItemId: exchanged.item_id, ...described };
}

type Description = Pick<Exchanged, 'institutionId' | 'institutionName' | 'accountsFingerprint'>;

const undescribed: Description = { institutionId: null, institutionName: null, accountsFingerprint: null };

async function describe(call: Call, accessToken: string): Promise<Description> {
  const { item, accounts } = await call((plaid, options) => plaid.accountsGet({ access_token: accessToken }, options));
  const institutionId = item.institution_id ?? null;
  const institutionName = item.institution_name ?? (await nameOf(call, institutionId));
  const fingerprint = accountsFingerprint(accounts.map(({ account_id }) => account_id));
  return { institutionId, institutionName, accountsFingerprint: fingerprint };
}

async function nameOf(call: Call, institutionId: string | null): Promise<string | null> {
  if (institutionId === null) return null;
  const request = { institution_id: institutionId, country_codes: COUNTRIES };
  const { institution } = await call((plaid, options) => plaid.institutionsGetById(request, options));
  return institution.name;
}

async function check(call: Call, accessToken: string): Promise<Check> {
  try {
    const { item, accounts } = await call((plaid, options) =>
      plaid.accountsGet({ access_token: accessToken }, options),
    );
    const fingerprint = accountsFingerprint(accounts.map(({ account_id }) => account_id));
    return {
      healthy: item.error === null,
      accountsFingerprint: fingerprint,
      errorCode: item.error?.error_code ?? null,
    };
  } catch (error) {
    if (error instanceof PlaidRefusal && error.isVerdict) {
      return { healthy: false, accountsFingerprint: null, errorCode: error.code };
    }
    throw error;
  }
}

class PlaidRefusal extends ProviderError {
  /** About the item or its bank, and not about our request or Plaid's own state. */
  readonly isVerdict: boolean;

  constructor(body: PlaidErrorBody, status: number) {
    const transient = status >= 500 || status === 429 || ['API_ERROR', 'RATE_LIMIT_EXCEEDED'].includes(body.error_type);
    super(body.error_code, { retryable: transient, displayMessage: body.display_message ?? null });
    const aboutItem = ['ITEM_ERROR', 'INSTITUTION_ERROR'].includes(body.error_type);
    this.isVerdict = aboutItem || body.error_code === 'INVALID_ACCESS_TOKEN';
  }
}

function unlessGone(error: unknown): void {
  const gone = error instanceof ProviderError && ['ITEM_NOT_FOUND', 'INVALID_ACCESS_TOKEN'].includes(error.code);
  if (!gone) throw error;
}

interface PlaidErrorBody {
  error_type: string;
  error_code: string;
  display_message?: string | null;
}

/** The client's errors keep Plaid's answer in `response.data`; without a response there was none. */
function translated(error: unknown): ProviderError {
  const response = (error as { response?: { status: number; data: unknown } } | null)?.response;
  if (!response) return new ProviderError('PROVIDER_UNREACHABLE', { retryable: true });
  const body = response.data as Partial<PlaidErrorBody> | null;
  if (typeof body?.error_code === 'string' && typeof body.error_type === 'string') {
    return new PlaidRefusal(body as PlaidErrorBody, response.status);
  }
  return new ProviderError(`HTTP_${response.status}`, { retryable: response.status >= 500 || response.status === 429 });
}
